from pathlib import Path

import pytest
from structlog.testing import capture_logs

from support.eventually import eventually_async
from supportplane_runtime.domain.identity import Scope
from supportplane_runtime.errors import StoreUnavailable
from supportplane_runtime.gateway.identity.key_files import KeyFiles
from supportplane_runtime.store.credentials import mint_key
from supportplane_runtime.store.interfaces.keys import KeyKind, Keys
from supportplane_runtime.store.memory.store import MemoryStore

TENANT = "acme"


@pytest.fixture
def keys() -> Keys:
    return MemoryStore().keys


def files(folder: Path, keys: Keys, agent: str = "shop") -> KeyFiles:
    return KeyFiles(folder, keys, tenant=TENANT, agent=agent, period_s=0.01)


async def is_valid(keys: Keys, plain: str) -> bool:
    return await keys.lookup(plain) is not None


async def test_a_file_is_a_key_named_as_the_file_that_may_ask(tmp_path: Path, keys: Keys) -> None:
    plain = mint_key(KeyKind.SECRET)
    (tmp_path / "web-shop").write_text(f"{plain}\n")
    await files(tmp_path, keys).sync()
    found = await keys.lookup(plain)
    assert found is not None
    assert (found.tenant, found.name, found.scopes, found.agent) == (
        TENANT,
        "web-shop",
        frozenset({Scope.INVOKE}),
        "shop",
    )


async def test_a_file_that_goes_or_changes_takes_its_key_along(tmp_path: Path, keys: Keys) -> None:
    first, second, third = (mint_key(KeyKind.SECRET) for _ in range(3))
    (tmp_path / "a").write_text(first)
    (tmp_path / "b").write_text(second)
    followed = files(tmp_path, keys)
    await followed.sync()
    (tmp_path / "a").unlink()
    (tmp_path / "b").write_text(third)
    await followed.sync()
    assert [await is_valid(keys, plain) for plain in (first, second, third)] == [False, False, True]
    (tmp_path / "a").write_text(first)
    await followed.sync()
    assert await is_valid(keys, first)


async def test_a_key_that_moves_to_another_file_stays(tmp_path: Path, keys: Keys) -> None:
    plain = mint_key(KeyKind.SECRET)
    (tmp_path / "old").write_text(plain)
    followed = files(tmp_path, keys)
    await followed.sync()
    (tmp_path / "old").rename(tmp_path / "new")
    await followed.sync()
    found = await keys.lookup(plain)
    assert found is not None
    assert found.name == "new"


async def test_what_went_while_nobody_looked_is_revoked_at_the_next_start(tmp_path: Path, keys: Keys) -> None:
    gone, made_here = (
        mint_key(KeyKind.SECRET),
        await keys.create(TENANT, "by hand", kind=KeyKind.SECRET, scopes=frozenset({Scope.INVOKE}), origins=()),
    )
    (tmp_path / "a").write_text(gone)
    await files(tmp_path, keys).sync()
    (tmp_path / "a").unlink()
    await files(tmp_path, keys, agent="another").sync()
    assert await is_valid(keys, gone)
    await files(tmp_path, keys).sync()
    assert not await is_valid(keys, gone)
    assert await is_valid(keys, made_here[1])


async def test_a_pod_that_sees_an_older_secret_takes_nothing_back(tmp_path: Path, keys: Keys) -> None:
    for name in ("ahead", "behind"):
        (tmp_path / name).mkdir()
    ahead, behind = files(tmp_path / "ahead", keys), files(tmp_path / "behind", keys)
    await ahead.sync()
    await behind.sync()
    plain = mint_key(KeyKind.SECRET)
    (tmp_path / "ahead" / "new").write_text(plain)
    await ahead.sync()
    await behind.sync()
    assert await is_valid(keys, plain)


@pytest.mark.parametrize("content", ["", "hunter2-secret-of-a-customer", "x" * 5000, mint_key(KeyKind.PUBLISHABLE)])
async def test_what_is_no_key_is_named_by_its_file_and_never_shown(tmp_path: Path, keys: Keys, content: str) -> None:
    (tmp_path / "wrong").write_text(content)
    good = mint_key(KeyKind.SECRET)
    (tmp_path / "zz-good").write_text(good)
    followed = files(tmp_path, keys)
    with capture_logs() as logs:
        await followed.sync()
        await followed.sync()
    (warning,) = [each for each in logs if each["log_level"] == "warning"]
    assert (warning["event"], warning["file"], warning["code"]) == ("api_key_file_refused", "wrong", "invalid-request")
    assert not content or content[:20] not in str(logs)
    assert await is_valid(keys, good)


async def test_a_file_with_a_control_character_in_its_name_is_no_key(tmp_path: Path, keys: Keys) -> None:
    plain = mint_key(KeyKind.SECRET)
    (tmp_path / "evil\x1b]0;x\x07").write_text(plain)
    with capture_logs() as logs:
        await files(tmp_path, keys).sync()
    (warning,) = [each for each in logs if each["log_level"] == "warning"]
    assert warning["detail"] == "The name of a key may not hold control characters: character 5 is U+001B."
    assert not await is_valid(keys, plain)


async def test_what_the_kubelet_keeps_beside_the_files_is_no_key(tmp_path: Path, keys: Keys) -> None:
    plain = mint_key(KeyKind.SECRET)
    (tmp_path / "..2026_11").mkdir()
    (tmp_path / "..2026_11" / "app").write_text(plain)
    (tmp_path / "..data").symlink_to("..2026_11")
    (tmp_path / "app").symlink_to("..data/app")
    with capture_logs() as logs:
        await files(tmp_path, keys).sync()
    assert await is_valid(keys, plain)
    assert not [each for each in logs if each["log_level"] == "warning"]


async def test_a_folder_that_is_gone_revokes_nothing(tmp_path: Path, keys: Keys) -> None:
    folder, plain = tmp_path / "keys", mint_key(KeyKind.SECRET)
    folder.mkdir()
    (folder / "a").write_text(plain)
    followed = files(folder, keys)
    await followed.sync()
    folder.rename(tmp_path / "away")
    await followed.sync()
    assert await is_valid(keys, plain)


async def test_it_follows_while_it_runs_and_survives_a_database_that_is_away(
    tmp_path: Path, keys: Keys, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain, adopt, failures = mint_key(KeyKind.SECRET), keys.adopt, list[int]()

    async def unlucky(*args: object, **more: object) -> object:
        if not failures:
            failures.append(1)
            raise StoreUnavailable("The database does not answer")
        return await adopt(*args, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(keys, "adopt", unlucky)
    async with files(tmp_path, keys) as followed:
        (tmp_path / "a").write_text(plain)
        await eventually_async(lambda: "a" in followed._known)
    assert failures
    assert await is_valid(keys, plain)
