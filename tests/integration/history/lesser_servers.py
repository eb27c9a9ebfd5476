"""What servers of git need not be able to do is taken from the one of the tests."""

from contextlib import AbstractContextManager
from dataclasses import replace

import pytest

from tasks.history.byte_reader import ByteReader
from tasks.history.protocol import FetchRefusedError, FetchRequest, UploadPack


def without_shallow(patch: pytest.MonkeyPatch) -> None:
    offered = vars(UploadPack)["capabilities"].fget
    patch.setattr(UploadPack, "capabilities", property(lambda pack: replace(offered(pack), shallow=False)))


def without_objects_by_id(patch: pytest.MonkeyPatch) -> None:
    offered = UploadPack.fetch

    def fetch(pack: UploadPack, request: FetchRequest) -> AbstractContextManager[ByteReader | None]:
        if request.since is None and request.depth is None and not request.haves:
            raise FetchRefusedError("upload-pack: not our ref")
        return offered(pack, request)

    patch.setattr(UploadPack, "fetch", fetch)
