"""Ordinary use of Debian's python3-etcd3gw (HTTP/JSON). Usage: etcd3gw_client.py HOST PORT"""

import sys
import threading

from etcd3gw.client import Etcd3Client
from etcd3gw.lock import Lock


def main(host, port):
    client = Etcd3Client(host=host, port=int(port), api_path="/v3/", timeout=15)

    assert client.put("gw/a", "1") is True
    assert client.get("gw/a") == [b"1"]
    assert client.create("gw/a", "2") is False
    assert client.create("gw/b", "2") is True
    assert client.replace("gw/a", "1", "3") is True
    assert sorted(value for value, _ in client.get_prefix("gw/")) == [b"2", b"3"]
    assert client.delete("gw/b") is True
    assert client.delete("gw/b") is False
    assert client.status()["version"].startswith("3.")
    assert len(client.members()) == 3

    lease = client.lease(ttl=10)
    assert client.put("gw/leased", "1", lease) is True
    assert lease.ttl() > 0
    assert lease.refresh() > 0
    assert lease.keys() == [b"gw/leased"], lease.keys()
    assert lease.revoke() is True
    assert client.get("gw/leased") == []

    events, cancel = client.watch("gw/watched")
    writer = threading.Thread(target=lambda: [client.put("gw/watched", str(n)) for n in range(3)])
    writer.start()
    values = [next(events)["kv"]["value"] for _ in range(3)]
    assert values == [b"0", b"1", b"2"], values
    cancel()
    writer.join()

    with Lock("gw-lock", ttl=10, client=client) as lock:
        assert lock.is_acquired()
        assert Lock("gw-lock", ttl=10, client=client).acquire() is False


main(*sys.argv[1:])
print("ok")
