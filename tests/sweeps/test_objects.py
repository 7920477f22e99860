"""Objects in a folder and in a bucket: created once, listed, removed, told in words."""

import os

import pytest

from jqd._files import OutputError
from jqd.sweeps.objects import Objects

from .conftest import SECRET, ask


@pytest.fixture(params=["folder", "file", "s3"])
def objects(request, tmp_path):
    """One of each kind."""
    if request.param == "s3":
        return Objects(request.getfixturevalue("bucket") + "/a prefix/x")
    place = tmp_path / "a folder"
    return Objects(place.as_uri() if request.param == "file" else place)


def test_of_two_who_create_an_object_the_first_succeeds(objects):
    assert not objects.is_there()
    assert objects.put_new("commits/0000001.json", b"first")
    assert not objects.put_new("commits/0000001.json", b"second")
    assert objects.get("commits/0000001.json") == b"first"
    assert objects.is_there()
    objects.put("commits/0000001.json", b"third")
    assert objects.get("commits/0000001.json") == b"third"


def test_objects_are_listed_with_their_age_and_removed(objects):
    for name in ("a", "b", "c"):
        objects.put(f"leases/{name}", b"")
    objects.put("other/d", b"")
    found = objects.list("leases")
    assert set(found) == {"a", "b", "c"}
    assert found["a"] == objects.changed("leases/a")
    assert set(objects.keys()) == {"leases/a", "leases/b", "leases/c", "other/d"}
    objects.delete(["leases/a", "leases/none"])
    assert set(objects.list("leases")) == {"b", "c"}
    assert objects.list("nothing") == {}
    assert objects.changed("leases/a") is None
    assert objects.get("leases/a") is None


def test_to_name_or_to_look_makes_no_folder(tmp_path):
    objects = Objects(tmp_path / "none")
    assert not objects.is_there()
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("ftp://host/x", "begins with file, s3, gs, az and ://, but begins with ftp"),
        ("https://host/x", "but begins with https"),
        (f"s3://key:{SECRET}@bucket/x", "credentials are read from the environment"),
        (f"az://box/x?sig={SECRET}", "like az://BUCKET/PREFIX, but has other parts"),
        ("s3:///x", "like s3://BUCKET/PREFIX"),
    ],
)
def test_urls_that_make_no_sense_are_refused_and_not_repeated(url, message):
    with pytest.raises(ValueError, match=r"^Argument `store` must be a path") as info:
        Objects(url)
    assert message in str(info.value)
    assert SECRET not in str(info.value)


def test_a_bucket_that_is_not_there_is_one_line(bucket):
    objects = Objects("s3://no-such-bucket/x")
    for call in (
        lambda: objects.put("a", b""),
        lambda: objects.put_new("a", b""),
        lambda: objects.get("a"),
        lambda: objects.list("a"),
        lambda: objects.is_there(),
    ):
        with pytest.raises(OutputError, match="NoSuchBucket") as info:
            call()
        text = str(info.value)
        assert text.startswith(
            "Argument `store` must be a writable bucket, but s3://no"
        )
        assert "\n" not in text
        assert len(text) < 150
        # nor does a traceback show the request
        assert info.value.__suppress_context__


def test_credentials_that_are_refused_are_one_line_without_them(bucket, service):
    objects = Objects(bucket)
    # from now on the service asks who one is, and knows nobody
    ask(service, "POST", "moto-api/reset-auth", b"0")
    try:
        with pytest.raises(OutputError, match=r"access is refused \(403") as info:
            objects.put("a", b"")
    finally:
        ask(service, "POST", "moto-api/reset-auth", b"inf")
    text = str(info.value)
    assert "credentials are read from the environment" in text
    assert SECRET not in text
    assert "tester" not in text


def test_a_service_that_does_not_answer_is_one_line(bucket, monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    monkeypatch.setattr("jqd.sweeps.objects._RETRY", {"max_retries": 0})
    with pytest.raises(OutputError, match="must be a writable bucket") as info:
        Objects(bucket).put("a", b"")
    assert "127.0.0.1" not in str(info.value)
    assert "\n" not in str(info.value)


@pytest.mark.skipif(os.geteuid() != 0, reason="/proc is as unwritable for others")
def test_a_folder_that_cannot_be_written_is_one_line():
    with pytest.raises(OutputError, match=r"/proc/no/x: No such file or directory\.$"):
        Objects("/proc/no/x").put("a", b"")
