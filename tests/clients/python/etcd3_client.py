"""Ordinary use of Debian's python3-etcd3 (gRPC). Usage: etcd3_client.py HOST PORT"""

import sys
import threading
import time

import etcd3


def main(host, port):
    client = etcd3.client(host=host, port=int(port), timeout=15)

    client.put("py/a", "1")
    assert client.get("py/a")[0] == b"1"
    client.put("py/b", "2")
    assert sorted(value for value, _ in client.get_prefix("py/")) == [b"1", b"2"]
    assert client.replace("py/a", "1", "3") is True
    assert client.replace("py/a", "1", "4") is False
    assert client.delete("py/b") is True
    assert client.delete("py/b") is False

    succeeded, responses = client.transaction(
        compare=[client.transactions.value("py/a") == "3", client.transactions.version("py/a") > 0],
        success=[client.transactions.put("py/a", "txn"), client.transactions.get("py/a")],
        failure=[client.transactions.put("py/a", "failed")],
    )
    assert succeeded and client.get("py/a")[0] == b"txn", responses

    status = client.status()
    assert status.version.startswith("3."), status.version
    assert len(list(client.members)) == 3

    events = []
    done = threading.Event()

    def heard(response):
        events.extend(response.events)
        if len(events) >= 3:
            done.set()

    watch = client.add_watch_prefix_callback("watched/", heard)
    client.put("watched/x", "1")
    client.put("watched/x", "2")
    client.delete("watched/x")
    assert done.wait(15), events
    kinds = [type(event).__name__ for event in events]
    assert kinds == ["PutEvent", "PutEvent", "DeleteEvent"], kinds
    client.cancel_watch(watch)

    lease = client.lease(5)
    client.put("leased/x", "1", lease=lease)
    assert lease.remaining_ttl > 0
    assert [key for key in lease.keys] == [b"leased/x"], lease.keys
    list(lease.refresh())
    lease.revoke()
    assert client.get("leased/x")[0] is None

    short = client.lease(2)
    client.put("leased/short", "1", lease=short)
    deadline = time.monotonic() + 20
    while client.get("leased/short")[0] is not None:
        assert time.monotonic() < deadline, "a lease of 2 s did not end within 20 s"
        time.sleep(0.1)

    lock = client.lock("resource", ttl=10)
    assert lock.acquire()
    # A second lock would have to wait, which this release of the client cannot do with Debian's release of tenacity.
    assert lock.is_acquired()
    assert lock.release()
    assert not lock.is_acquired()

    client.compact(status_revision(client))
    client.close()


def status_revision(client):
    client.put("py/revision", "x")
    return client.get("py/revision")[1].mod_revision


main(*sys.argv[1:])
print("ok")
