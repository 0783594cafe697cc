"""The command that shows what a run was made from."""

import re
from collections.abc import Mapping
from functools import cached_property
from typing import Annotated

from cyclopts import Parameter
from rich.tree import Tree

from flows.cli.history import read_artifacts
from flows.cli.options import RUN_HELP, StoreOptions
from flows.cli.terminal import console, duration
from tasks.store import Artifact, ArtifactRef, Ledger, Manifest, listing, open_ledger
from tasks.store.runs import RunManifest, find_ended

DIGEST = re.compile(r"[0-9a-f]{64}")
FIRST = ("submission", "report")
"""What a run is for: shown before what else it ended with."""


def lineage(
    run: Annotated[str, Parameter(help=RUN_HELP)] = "latest",
    /,
    *,
    options: Annotated[StoreOptions, Parameter(name="*")] = StoreOptions(),
) -> None:
    """Show what a run's results were made from, down to the data: a tree of artifacts, and what each has cost."""
    options.choose()
    ledger = open_ledger()
    found = find_ended(ledger.backend, run)
    ancestry = Ancestry(found, read_ancestors(ledger, found))
    console().print(ancestry.tree(), ancestry.cost(), sep="\n")


def read_ancestors(ledger: Ledger, run: RunManifest) -> dict[ArtifactRef, Artifact | str]:
    """The artifacts of a run and all that they were made from; why it cannot be had, where one is lost or damaged."""
    found: dict[ArtifactRef, Artifact | str] = {}
    wanted = set(run.artifacts.values())
    while wanted:
        found |= read_artifacts(ledger, wanted)
        wanted = {parent for artifact in found.values() for parent in parents(artifact)} - found.keys()
    return found


def parents(artifact: Artifact | str) -> tuple[ArtifactRef, ...]:
    """The artifacts that one was made from; none of one that is lost."""
    return listing.parents(artifact.manifest) if isinstance(artifact, Artifact) else ()


class Ancestry:
    """What a run's results were made from."""

    def __init__(self, run: RunManifest, artifacts: Mapping[ArtifactRef, Artifact | str]) -> None:
        self.run = run
        self.artifacts = artifacts
        self._names = {ref: name for name, ref in run.artifacts.items()}
        self._made = {ref for name, ref in run.artifacts.items() if name not in run.reused}
        self._shown: set[ArtifactRef] = set()

    def tree(self) -> Tree:
        """Every artifact, below it what it was made from; the second time only its name."""
        tree = Tree(self.run.run)
        for ref in self._last:
            self._grow(tree, ref)
        return tree

    def cost(self) -> str:
        """What all artifacts have cost, and how much of it this run spent, in words."""
        seconds = {ref: found.manifest.seconds for ref, found in self.artifacts.items() if isinstance(found, Artifact)}
        spent = sum(cost for ref, cost in seconds.items() if ref in self._made)
        lost = len(self.artifacts) - len(seconds)
        words = f"{duration(sum(seconds.values()))} of work in all, {duration(spent)} of it by this run"
        return f"{words}; what {lost} lost artifacts have cost is not known" if lost else words

    @cached_property
    def _last(self) -> list[ArtifactRef]:
        """The artifacts that the tree starts from: what the run is for, and all that nothing was made from."""
        used = {parent for artifact in self.artifacts.values() for parent in parents(artifact)}
        first = [self.run.artifacts[name] for name in FIRST if name in self.run.artifacts]
        return list(dict.fromkeys([*first, *(ref for ref in self._names if ref not in used)]))

    @cached_property
    def _depths(self) -> dict[ArtifactRef, int]:
        """Number of artifacts on the longest way from each down to the data."""
        depths: dict[ArtifactRef, int] = {}

        def measure(ref: ArtifactRef) -> int:
            if ref not in depths:
                depths[ref] = 1 + max(map(measure, parents(self.artifacts[ref])), default=0)
            return depths[ref]

        for ref in self.artifacts:
            measure(ref)
        return depths

    def _grow(self, branch: Tree, ref: ArtifactRef) -> None:
        if ref in self._shown:
            branch.add(f"{self._name(ref)} ... see above")
            return
        self._shown.add(ref)
        node, artifact = branch.add(self._describe(ref)), self.artifacts[ref]
        # The longest way first: so it is seen as one, and what it passes need not be unfolded elsewhere.
        for parent in sorted(parents(artifact), key=lambda parent: -self._depths[parent]):
            self._grow(node, parent)
        if isinstance(artifact, Artifact):
            for leaf in _digests(artifact.manifest):
                node.add(leaf)

    def _describe(self, ref: ArtifactRef) -> str:
        artifact = self.artifacts[ref]
        facts = [self._name(ref), ref.key[:12]]
        if isinstance(artifact, str):
            return "  ".join([*facts, f"lost: {artifact}"])
        manifest = artifact.manifest
        made = "made" if ref in self._made else "reused"
        return "  ".join([*facts, duration(manifest.seconds), manifest.device, made])

    def _name(self, ref: ArtifactRef) -> str:
        return self._names.get(ref, ref.step)


def _digests(manifest: Manifest) -> list[str]:
    """The inputs that are no artifacts, but digests, such as that of the data."""
    return [f"{name}  {value[:12]}" for name, value in manifest.inputs.items() if DIGEST.fullmatch(value)]
