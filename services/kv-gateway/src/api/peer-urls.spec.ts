import { checkedPeerUrls } from "./peer-urls";

describe("checkedPeerUrls", () => {
  it.each([
    [["http://10.0.0.1:2380"]],
    [["https://[::1]:2380"]],
    [["http://host:80"]],
    [["unix://n4:1"]],
    [["nats://10.0.0.1:4222"]],
    [
      [" http://b:1 ", "http://a:1"],
      ["http://a:1", "http://b:1"],
    ],
  ])("takes %j, trimmed and sorted", (given, expected = given) => {
    expect(checkedPeerUrls(given)).toEqual(expected);
  });

  it.each([
    [[]],
    [[""]],
    [["10.0.0.1:2380"]],
    [["http://10.0.0.1"]],
    [["http://10.0.0.1:2380/path"]],
    [["http://10.0.0.1:2380/"]],
    [["http://a:1", "ftp://b:1"]],
    [["http://::1:2380"]],
    [["nats://10.0.0.1"]],
  ])("refuses %j", (given) => {
    expect(checkedPeerUrls(given)).toBeUndefined();
  });
});
