"""What a person can choose about training."""

from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

Finite = Annotated[float, Field(allow_inf_nan=False)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Epoch = Annotated[int, Field(ge=1)]
Years = Annotated[int, Field(ge=0, le=120)]

FROZEN = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class LossSettings(BaseModel):
    """What training makes small."""

    model_config = FROZEN

    name: Literal["focal", "cross_entropy", "f1"] = "focal"
    """`focal`: cross entropy in which photos count little that the model gets right. `cross_entropy`: all count alike.
    `f1`: one minus the macro F1 of a batch, with probabilities in place of decisions."""
    gamma: float = Field(5.0, ge=0, le=10)
    """How little easy photos count. Read if name is `focal`; 0 is cross entropy."""
    class_weights: Literal["none", "balanced"] = "none"
    """`balanced`: rare classes count as much as common ones, in each head. Not read if name is `f1`."""
    smoothing: float = Field(0.0, ge=0, lt=1)
    """Label smoothing: share of every label that is spread evenly over all classes."""
    age: float = Field(0.0, ge=0, le=100)
    """Weight of a head that learns the age, a number, beside the classes; 0: there is no such head."""


class OptimiserSettings(BaseModel):
    """How weights are moved."""

    model_config = FROZEN

    name: Literal["adamp", "sgdp", "adam", "adamw"] = "adamp"
    """Which optimiser. SGDP has momentum 0.9, Nesterov's."""
    learning_rate: float = Field(3e-4, gt=0, le=10)
    """Learning rate before the schedule."""
    weight_decay: float = Field(1e-2, ge=0, le=1)
    """Weight decay, of all but biases and norms."""
    layer_decay: float = Field(1.0, gt=0, le=1)
    """What the learning rate of each of the backbone's stages is multiplied by, once for every stage above it: early
    layers keep more of what they know. 1: all learn alike."""
    clip: float = Field(0.0, ge=0, le=1000)
    """Largest norm of a step's gradient; longer ones are shortened to it. 0: none are."""
    accumulate: int = Field(1, ge=1, le=256)
    """Parts that a batch is worked through in, one after another, before the step: less memory, nearly the same step.
    Batch norms, and the loss `f1`, see the parts, which are never of one photo."""


class ScheduleSettings(BaseModel):
    """How the learning rate moves."""

    model_config = FROZEN

    name: Literal["multistep", "step", "cosine"] = "multistep"
    """`multistep`: it falls after each milestone. `step`: it falls every so many epochs. `cosine`: it falls to 0 along
    half a cosine, step by step."""
    milestones: tuple[Epoch, ...] = (3, 4)
    """Epochs after which the learning rate is multiplied by `factor`. Read if name is `multistep`."""
    every: int = Field(3, ge=1)
    """Number of epochs between two falls. Read if name is `step`."""
    factor: float = Field(0.3, gt=0, le=1)
    """What the learning rate is multiplied by at each fall. Read if name is `multistep` or `step`."""
    warmup: float = Field(0.0, ge=0, le=100)
    """Epochs, or parts of one, in which the learning rate rises from 0 first."""


class AugmentSettings(BaseModel):
    """How training photos are changed each time they are seen. Photos are never changed when they are scored."""

    model_config = FROZEN

    flip: float = Field(0.5, ge=0, le=1)
    """Chance that a photo is mirrored."""
    shake: float = Field(0.0, ge=0, le=0.5)
    """How far a photo is shifted and stretched at most (share of its size), and turned (in half circles)."""
    light: float = Field(0.0, ge=0, le=1)
    """How far brightness and contrast change at most, as a share of their range."""
    grey: float = Field(0.0, ge=0, le=1)
    """Chance that a photo loses its colours."""
    random_crop: int = Field(0, ge=0, le=1024)
    """Side, pixels, of the square that the network sees: in training a random part of the crop (8 to 100 % of its area,
    sides 3:4 to 4:3), in scoring the middle of the crop. 0: it sees the whole crop."""
    mixup: float = Field(0.0, ge=0, le=10)
    """MixUp: how strongly photos are blended with others, as the parameters of the Beta distribution that the shares
    are drawn from; 0 is not at all. Keeps a network from learning the few faces it has seen by heart."""
    half_cutmix: float = Field(0.0, ge=0, le=1)
    """Chance that a photo keeps its left half and gets the right half of another, if just one of both shows a person of
    the oldest age group: so the rarest faces are seen beside many others."""


class AgesSettings(BaseModel):
    """Where training draws the lines between age groups. Photos are always scored by the data set's own lines."""

    model_config = FROZEN

    middle_from: Years = 30
    """Age from which training counts a person as 30-59."""
    old_from: Years = 60
    """Age from which training counts a person as 60 or older; 58 makes 58 and 59 count as such."""
    leave_out: tuple[Years, ...] = ()
    """Ages whose photos are not trained on, such as those next to a line, which nobody can tell apart."""

    @model_validator(mode="after")
    def _lines_in_order(self) -> Self:
        if self.middle_from >= self.old_from:
            raise ValueError(f"middle_from ({self.middle_from}) must be below old_from ({self.old_from})")
        return self


class TrainingSettings(BaseModel):
    """How a fold model is made."""

    model_config = FROZEN

    backbone: str = "tf_efficientnet_lite0"
    """Name of a timm model; or `face_recognition`: a network that has learnt to tell people apart."""
    pretrained: bool = True
    """Start from what the backbone has learnt before, mostly from ImageNet. The weights of tf_efficientnet_lite0 and of
    face_recognition ship in packages; others are fetched by timm."""
    frozen: int = Field(0, ge=0, le=100)
    """Number of the backbone's first stages (as timm groups its layers; the stem is the first) that are not trained."""
    thaw_after: int = Field(0, ge=0, le=1000)
    """Epochs after which frozen stages are trained too. 0: never."""
    heads: Literal["attributes", "classes", "arcface"] = "attributes"
    """`attributes`: three heads (mask, gender, age) over a shared hidden layer. `classes`: one head of 18 classes.
    `arcface`: one of 18 classes that measures angles, with a margin between classes."""
    hidden: int = Field(1024, ge=0, le=8192)
    """Width of the layer under the three heads; 0: they sit on the backbone. Read if heads is `attributes`."""
    dropout: float = Field(0.0, ge=0, lt=1)
    """Share of the features, and of the hidden layer, that a training step leaves out."""
    first_epoch: Literal["steps", "discriminant"] = "steps"
    """`steps`: the first epoch is like the others. `discriminant`: it leaves the backbone as it is, and computes the
    heads: linear discriminants of what the backbone says of all training photos, as they are; sampling, augmentation
    and class weights are not read. Later epochs go on from there. Best if the backbone knows much and persons are few.
    """
    shrinkage: float = Field(0.5, gt=0, le=1)
    """How little is believed of how features go together: 1 takes them for independent. Read if first_epoch is
    `discriminant`."""
    loss: LossSettings = LossSettings()
    """What training makes small."""
    optimiser: OptimiserSettings = OptimiserSettings()
    """How weights are moved."""
    schedule: ScheduleSettings = ScheduleSettings()
    """How the learning rate moves."""
    augment: AugmentSettings = AugmentSettings()
    """How training photos are changed."""
    ages: AgesSettings = AgesSettings()
    """Where training draws the lines between age groups."""
    sampling: Literal["all", "balanced"] = "all"
    """`all`: every photo is seen once an epoch (but for a last batch of one). `balanced`: as many are drawn, and every
    class as often as any other."""
    epochs: int = Field(5, ge=1, le=1000)
    """Passes over as many photos as there are to train on."""
    batch_size: int = Field(32, ge=2, le=4096)
    """Photos an optimiser step."""
    keep: Literal["best", "last"] = "best"
    """Which epoch's weights are kept. `best`: that with the lowest loss on the fold's own photos. `last`: the last one;
    sound with a short schedule on few persons, where that loss rises long before the score falls."""
    average: int = Field(1, ge=1, le=20)
    """Number of epochs whose weights are averaged, the best or the last ones as `keep` says."""
    ema: float = Field(0.0, ge=0, lt=1)
    """Largest share of the old that a running mean of the weights keeps at each step, such as 0.999; it rises to that
    (0.78 after 10 steps, 0.95 after 100, 0.99 after 1000). The mean is what is scored and kept. 0: there is none."""
    precision: Literal["float32", "bfloat16", "float16"] = "float32"
    """Numbers that a GPU computes with: 16 bits are faster. Weights stay float32. A CPU uses float32."""
    mirror: bool = False
    """Score every photo mirrored too, and take the mean: steadier, at twice the time."""
    mean: tuple[Finite, Finite, Finite] = (0.5, 0.5, 0.5)
    """Red, green and blue subtracted from every pixel (0..1): what the backbone's weights were trained with."""
    std: tuple[Positive, Positive, Positive] = (0.5, 0.5, 0.5)
    """Red, green and blue by which every pixel is then divided."""
    seed: int = Field(42, ge=0, lt=2**32)
    """Decides first weights, order of photos and augmentation: same seed, same GPU, or same CPU and threads, same
    numbers."""

    @model_validator(mode="after")
    def _nothing_in_vain(self) -> Self:
        if self.schedule.warmup >= self.epochs:
            raise ValueError(f"schedule.warmup ({self.schedule.warmup:g}) must be less than epochs ({self.epochs})")
        if self.thaw_after and not self.frozen:
            raise ValueError("thaw_after is set, but frozen is 0: there is nothing to thaw")
        return self

    @model_validator(mode="after")
    def _heads_can_be_computed(self) -> Self:
        if self.first_epoch != "discriminant":
            return self
        if self.heads == "arcface" or (self.heads == "attributes" and self.hidden):
            raise ValueError(
                "first_epoch is discriminant, which makes linear heads, but these are not: hidden must be 0, and heads "
                "not arcface"
            )
        if self.loss.age:
            raise ValueError("first_epoch is discriminant, which computes no head of ages: loss.age must be 0")
        if 0 < self.schedule.warmup <= 1:
            raise ValueError(
                "first_epoch is discriminant, which takes no steps: schedule.warmup "
                f"({self.schedule.warmup:g}) must be more than 1, or 0"
            )
        return self
