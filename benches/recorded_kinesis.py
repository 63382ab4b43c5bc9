"""A Kinesis that answers from records made ahead, faster than a server that keeps them: for figures where the test server would be
the limit. One stream, no puts, no reshards; a record is due when its second has come, and the same place always holds the same record.

usage: benches/recorded_kinesis.py PORT SHARDS RECORDS_PER_SECOND SECONDS
"""
import base64, functools, http.server, json, random, sys, threading, time

PORT, SHARDS, RATE, SECONDS = (int(argument) for argument in sys.argv[1:5])
STREAM, DEVICES = "sensors", 1000
PER_SHARD = RATE // SHARDS
BEGUN = time.time()
# A service gives at most so many records in one answer.
ANSWER_RECORDS = 10_000
LOCK = threading.Lock()


@functools.lru_cache(maxsize=8)
def second(at):
    """The records of one second, but for their sequence numbers; every shard has the same."""
    rng, texts = random.Random(at), []
    moment = BEGUN + at
    stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(moment))
    for n in range(PER_SHARD):
        device = f"sensor-{rng.randrange(DEVICES):04}"
        text = (f'{{"n":{at * PER_SHARD + n},"device_id":"{device}","sent_us":{int((moment + n / PER_SHARD) * 1e6)},"at":"{stamp}.{n * 1_000_000 // PER_SHARD:06}Z",'
                f'"temperature":{rng.random() * 100:.2f},"humidity":{20 + rng.random() * 60:.2f},"vibration":{rng.random() * 5:.3f},'
                f'"battery":{n % 100 + 1},"status":"normal"}}')
        data = base64.b64encode(text.encode()).decode()
        texts.append(f'{{"ApproximateArrivalTimestamp":{moment + n / PER_SHARD:.3f},"Data":"{data}","PartitionKey":"{device}","SequenceNumber":"')
    return texts


def due():
    """Records of each shard that are there."""
    return int(min(time.time() - BEGUN, SECONDS) * PER_SHARD)


def sequence(shard):
    """The sequence number of a shard's first record, without its last twelve digits."""
    return f"{49_600_000_000_000_000_000_000_000_000 + shard}" + "0" * 15


def iterator(shard, index):
    return f"{shard}:{index}"


def get_records(call):
    shard, index = (int(part) for part in call["ShardIterator"].split(":"))
    there = due()
    end = min(there, index + min(call.get("Limit", ANSWER_RECORDS), ANSWER_RECORDS))
    prefix, parts = sequence(shard), []
    while index < end:
        at, offset = divmod(index, PER_SHARD)
        count = min(end - index, PER_SHARD - offset)
        with LOCK:
            texts = second(at)
        parts += [f'{texts[offset + i]}{prefix}{index + i:012}"}}' for i in range(count)]
        index += count
    behind = (there - end) * 1000 // PER_SHARD
    return f'{{"MillisBehindLatest":{behind},"NextShardIterator":"{iterator(shard, end)}","Records":[{",".join(parts)}]}}'.encode()


def get_shard_iterator(call):
    shard = int(call["ShardId"].rpartition("-")[2])
    number = call.get("StartingSequenceNumber", "0")[-12:]
    index = {"TRIM_HORIZON": 0, "AT_SEQUENCE_NUMBER": int(number), "AFTER_SEQUENCE_NUMBER": int(number) + 1,
             "LATEST": due(), "AT_TIMESTAMP": 0}[call["ShardIteratorType"]]
    return {"ShardIterator": iterator(shard, index)}


def list_shards(call):
    width, after = 2 ** 128 // SHARDS, call.get("ExclusiveStartShardId", "")
    shards = [{"ShardId": f"shardId-{shard:012}", "SequenceNumberRange": {"StartingSequenceNumber": sequence(shard) + "0" * 12},
               "HashKeyRange": {"StartingHashKey": str(shard * width), "EndingHashKey": str((shard + 1) * width - 1)}} for shard in range(SHARDS)]
    return {"Shards": [shard for shard in shards if shard["ShardId"] > after]}


def describe_stream_summary(_):
    return {"StreamDescriptionSummary": {
        "StreamName": STREAM, "StreamARN": f"arn:aws:kinesis:us-east-1:000000000000:stream/{STREAM}", "StreamStatus": "ACTIVE",
        "RetentionPeriodHours": 24, "StreamCreationTimestamp": BEGUN - 60, "EnhancedMonitoring": [], "OpenShardCount": SHARDS, "ConsumerCount": 0}}


CALLS = {"GetRecords": get_records, "GetShardIterator": get_shard_iterator, "ListShards": list_shards, "DescribeStreamSummary": describe_stream_summary}


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        call = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        answer = CALLS[self.headers["X-Amz-Target"].rpartition(".")[2]](call)
        body = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/x-amz-json-1.1")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


http.server.ThreadingHTTPServer(("127.0.0.1", PORT), Handler).serve_forever()
