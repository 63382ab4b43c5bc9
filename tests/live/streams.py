"""What the live tests and benches share: a Kinesis server in a process of its own, a producer that is not ours, and a proxy that
breaks answers. Must not know of our tables.

The server is the example `kinesis_server` of crates/source, built with the workspace; the producer is boto3 in target/live-venv.
SLUICE_SERVERS names a folder with test servers that are there.
"""

import functools
import http.client
import http.server
import json
import os
import pathlib
import random
import shutil
import socket
import subprocess
import sys
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
TARGET = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
ENVIRONMENT = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_REGION": "us-east-1",
               "AWS_EC2_METADATA_DISABLED": "true"}


def in_environment():
    """Starts the calling script again in the Python that has boto3 and pyarrow, made where it is missing."""
    place = TARGET / "live-venv"
    if pathlib.Path(sys.prefix).resolve() == place.resolve():
        return
    if not (place / "done").exists():
        shutil.rmtree(place, ignore_errors=True)
        subprocess.run([sys.executable, "-m", "venv", str(place)], check=True)
        subprocess.run([str(place / "bin" / "pip"), "install", "-q", "boto3", "pyarrow"], check=True)
        (place / "done").touch()
    os.execv(place / "bin" / "python", [str(place / "bin" / "python"), *sys.argv])


def build(release):
    """Our binary."""
    subprocess.run(["cargo", "build", "--locked", "-p", "sluice"] + (["--release"] if release else []), cwd=ROOT, check=True)
    return str(TARGET / ("release" if release else "debug") / "sluice")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@functools.cache
def server(name, release=False):
    """A test server: the one that is there, or built."""
    place = os.environ.get("SLUICE_SERVERS")
    if place:
        return str(pathlib.Path(place) / name)
    subprocess.run(["cargo", "build", "--locked", "-q", "-p", "sluice-source", "-p", "sluice", "--example", name]
                   + (["--release"] if release else []), cwd=ROOT, check=True)
    return str(TARGET / ("release" if release else "debug") / "examples" / name)


class Server:
    """A Kinesis on a free port; a release build of it is for figures, any other will do for proofs."""

    def __init__(self, release=False):
        self.port = free_port()
        self.process = subprocess.Popen(
            [server("kinesis_server", release), str(self.port)],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.client = client(self.port)
        for _ in range(200):
            try:
                self.client.list_streams()
                return
            except Exception:
                time.sleep(0.05)
        raise SystemExit("the Kinesis server did not start")

    def stream(self, name, shards):
        """Makes a stream and waits until it can be used."""
        self.client.create_stream(StreamName=name, ShardCount=shards)
        self.client.get_waiter("stream_exists").wait(StreamName=name, WaiterConfig={"Delay": 1})

    def reshard(self, name, rng):
        """Splits an open shard, or merges two neighbours; gives the word for it, or None where neither was possible."""
        shards = self.client.list_shards(StreamName=name)["Shards"]
        is_open = [s for s in shards if "EndingSequenceNumber" not in s["SequenceNumberRange"]]
        is_open.sort(key=lambda s: int(s["HashKeyRange"]["StartingHashKey"]))
        if len(is_open) > 1 and (len(is_open) > 5 or rng.random() < 0.5):
            at = rng.randrange(len(is_open) - 1)
            self.client.merge_shards(StreamName=name, ShardToMerge=is_open[at]["ShardId"], AdjacentShardToMerge=is_open[at + 1]["ShardId"])
            return "merge"
        shard = rng.choice(is_open)
        low, high = (int(shard["HashKeyRange"][k]) for k in ("StartingHashKey", "EndingHashKey"))
        if high - low < 10:
            return None
        self.client.split_shard(StreamName=name, ShardToSplit=shard["ShardId"], NewStartingHashKey=str((low + high) // 2))
        return "split"

    def stop(self):
        self.process.kill()
        self.process.wait()


def client(port):
    """boto3's client for a server on this machine."""
    import boto3
    from botocore.config import Config
    return boto3.client("kinesis", endpoint_url=f"http://127.0.0.1:{port}", region_name="us-east-1", aws_access_key_id="test",
                        aws_secret_access_key="test", config=Config(retries={"max_attempts": 8, "mode": "standard"}, max_pool_connections=4))


THROTTLED = json.dumps({"__type": "ProvisionedThroughputExceededException", "message": "Rate exceeded for shard"}).encode()
EXPIRED = json.dumps({"__type": "ExpiredIteratorException", "message": "Iterator expired"}).encode()
FAILURE = json.dumps({"__type": "InternalFailure", "message": "broken on purpose"}).encode()


class Proxy:
    """Stands between the engine and the server; breaks so many of a hundred answers."""

    def __init__(self, port, seed, percent):
        self.upstream, self.rng, self.percent = port, random.Random(seed), percent
        self.counts, self.lock = {}, threading.Lock()
        proxy = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                proxy.handle(self)

            def log_message(self, *_):
                pass

        class Listener(http.server.ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *_):
                pass  # the engine is killed in the middle of a call, often

        self.listener = Listener(("127.0.0.1", 0), Handler)
        self.port = self.listener.server_address[1]
        threading.Thread(target=self.listener.serve_forever, daemon=True).start()

    def choose(self):
        with self.lock:
            if self.rng.uniform(0, 100) >= self.percent:
                return "pass"
            kind = self.rng.choice(["throttle", "expire", "fail before", "fail after", "drop after", "drop before", "delay", "truncate"])
            self.counts[kind] = self.counts.get(kind, 0) + 1
            return kind

    def handle(self, request):
        body = request.rfile.read(int(request.headers.get("Content-Length", 0)))
        kind = self.choose()
        operation = request.headers.get("X-Amz-Target", "").rpartition(".")[2]
        if kind == "throttle":
            return self.answer(request, 400, THROTTLED)
        if kind == "expire" and operation == "GetRecords":
            return self.answer(request, 400, EXPIRED)
        if kind == "fail before":
            return self.answer(request, 500, FAILURE)
        if kind == "drop before":
            return request.connection.shutdown(socket.SHUT_RDWR)
        if kind == "delay":
            time.sleep(self.rng.uniform(0.05, 1.5))
        upstream = http.client.HTTPConnection("127.0.0.1", self.upstream, timeout=30)
        headers = {k: v for k, v in request.headers.items() if k.lower() not in ("connection", "content-length", "transfer-encoding")}
        upstream.request("POST", request.path, body, headers)
        found = upstream.getresponse()
        if operation == "SubscribeToShard" and found.status == 200 and kind != "fail after":
            return self.push(request, upstream, found, kind in ("drop after", "truncate"))
        payload, media = found.read(), found.getheader("Content-Type", "application/x-amz-json-1.1")
        upstream.close()
        if kind == "fail after":
            return self.answer(request, 500, FAILURE)
        if kind == "drop after":
            return request.connection.shutdown(socket.SHUT_RDWR)
        return self.answer(request, found.status, payload, media, cut=kind == "truncate")

    def push(self, request, upstream, found, breaks):
        """Hands events on as they come; one that breaks ends in the middle of what it got, after a moment or at once."""
        request.send_response(200)
        request.send_header("Content-Type", found.getheader("Content-Type"))
        request.send_header("Transfer-Encoding", "chunked")
        request.end_headers()
        left = self.rng.randrange(10)
        try:
            while piece := found.read1(1 << 16):
                if breaks and left == 0:
                    piece = piece[: len(piece) // 2]
                    request.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece) if piece else b"")
                    return request.connection.shutdown(socket.SHUT_RDWR)
                left -= 1
                request.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
                request.wfile.flush()
            request.wfile.write(b"0\r\n\r\n")
        finally:
            upstream.close()

    def answer(self, request, status, payload, media="application/x-amz-json-1.1", cut=False):
        request.send_response(status)
        request.send_header("Content-Type", media)
        request.send_header("Content-Length", str(len(payload)))
        request.end_headers()
        request.wfile.write(payload[: len(payload) // 2] if cut else payload)
        if cut:
            request.wfile.flush()
            request.connection.shutdown(socket.SHUT_RDWR)

    def stop(self):
        self.listener.shutdown()
