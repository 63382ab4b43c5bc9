"""An S3 for the live tests: the server of our own tests (`s3s-fs`), in a process of its own, with faults drawn from a seed in
front of it. Must not know of tables.
"""

import json
import pathlib
import subprocess

ENVIRONMENT = {"AWS_ACCESS_KEY_ID": "tester", "AWS_SECRET_ACCESS_KEY": "tester-secret"}


class Objects:
    """An S3 with one empty bucket, `lake`; so many of a hundred requests are spoiled."""

    def __init__(self, binary, seed, percent):
        self.process = subprocess.Popen([binary, str(seed), str(percent), "lake"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.DEVNULL, text=True)
        said = json.loads(self.process.stdout.readline())
        self.endpoint, self.folder = said["endpoint"], pathlib.Path(said["folder"]) / "lake"

    def stop(self):
        """Ends it; its objects go with it."""
        self.process.stdin.close()
        self.process.wait()
