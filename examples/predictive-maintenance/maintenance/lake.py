"""Objects of the lake: a folder or a bucket, by URI. Must not know what is in them.

A bucket is reached as other AWS tools reach it: AWS_ACCESS_KEY_ID and its kin, AWS_REGION, AWS_ENDPOINT_URL.
"""

import os
import pathlib

from pyarrow import fs


def opened(uri):
    """The file system of a URI or folder, and the path in it."""
    if uri.startswith(("s3://", "s3a://")):
        path = uri.split("://", 1)[1].rstrip("/")
        endpoint = os.environ.get("AWS_ENDPOINT_URL")
        return fs.S3FileSystem(region=os.environ.get("AWS_REGION"), endpoint_override=endpoint), path
    return fs.LocalFileSystem(), str(pathlib.Path(uri).resolve())


def names(uri, folder):
    """Names of the objects in a folder of the lake."""
    system, path = opened(uri)
    listed = system.get_file_info(fs.FileSelector(f"{path}/{folder}", allow_not_found=True))
    hidden = (".", "_")
    return sorted(found.base_name for found in listed if found.is_file and not found.base_name.startswith(hidden))


def put(uri, folder, name, text):
    """Writes an object whole: on a disk under a hidden name first, so that nobody reads half of it."""
    system, path = opened(uri)
    place = f"{path}/{folder}/{name}"
    if isinstance(system, fs.S3FileSystem):
        with system.open_output_stream(place) as stream:
            stream.write(text.encode())
        return
    system.create_dir(f"{path}/{folder}", recursive=True)
    half = f"{path}/{folder}/.{name}.tmp"
    with system.open_output_stream(half) as stream:
        stream.write(text.encode())
    system.move(half, place)


def delta_options():
    """What the Delta library needs beside the environment to reach a bucket."""
    endpoint = os.environ.get("AWS_ENDPOINT_URL", "")
    return {"allow_http": "true"} if endpoint.startswith("http://") else {}
