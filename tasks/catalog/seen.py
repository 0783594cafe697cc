"""Photos that an earlier catalog has: nothing is decoded twice."""

from collections.abc import Collection, Iterator
from itertools import islice

import pandas as pd

from tasks.catalog.measure import PhotoFacts
from tasks.errors import CorruptFileError, NotInStoreError
from tasks.store import Ledger, Step
from tasks.store.code import code_digest
from tasks.store.explain import read_manifests
from tasks.tables import CATALOG

LOOKED_AT = 10
"""Earlier catalogs that are read at most: what none of the newest has is measured sooner than found."""


def facts_of_seen_photos(ledger: Ledger, step: Step, digests: Collection[str]) -> dict[str, PhotoFacts]:
    """What earlier catalogs say of photos with these digests (SHA-256, hex), if they were made as one is made now."""
    seen, missing = dict[str, PhotoFacts](), set(digests)
    for catalog in islice(_earlier_catalogs(ledger, step), LOOKED_AT):
        found = catalog[catalog["sha256"].isin(missing)].drop_duplicates("sha256")
        facts = found[list(PhotoFacts._fields)].astype("object")
        rows = facts.where(facts.notna(), None).itertuples(index=False, name=None)
        seen |= {digest: PhotoFacts(*row) for digest, row in zip(found["sha256"], rows, strict=True)}
        missing -= seen.keys()
        if not missing:
            break
    return seen


def _earlier_catalogs(ledger: Ledger, step: Step) -> Iterator[pd.DataFrame]:
    """Those that the same code and libraries made, the newest first; what is lost or damaged is as if it was not."""
    now = code_digest(step.package), step.versions()
    manifests = read_manifests(ledger, step.name)
    made_alike = [manifest for manifest in manifests if (manifest.code, manifest.libraries) == now]
    for manifest in sorted(made_alike, key=lambda manifest: manifest.started, reverse=True):
        try:
            yield CATALOG.read(ledger.get(manifest.ref).path("catalog.parquet"))
        except (NotInStoreError, CorruptFileError):
            continue
