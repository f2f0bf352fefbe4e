// Package integration stands in for etcd's package of the same name when etcd's own client tests are run against Quorate:
// each test gets a fresh Quorate cluster of as many members and gateways as it asks for, behind connections that can be cut.
//
// What only an embedded etcd server can do (TLS set-ups, partitions of single members, internals) skips the test.
package integration

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.etcd.io/etcd/clientv3"
	"go.etcd.io/etcd/etcdserver"
	pb "go.etcd.io/etcd/etcdserver/etcdserverpb"
	"go.etcd.io/etcd/pkg/transport"
	"go.etcd.io/etcd/pkg/types"
	"google.golang.org/grpc"
)

const (
	// RequestWaitTimeout is what tests allow for a request over an election, with time for a busy machine.
	RequestWaitTimeout = 10 * time.Second
	// ThroughProxy is true when clients pass etcd's gRPC proxy.
	ThroughProxy = false

	requestTimeout = 20 * time.Second
	tickDuration   = 10 * time.Millisecond
	electionTicks  = 100
	startTimeout   = 90 * time.Second
)

// ClusterConfig has etcd's fields; those without meaning here skip the test when they are set.
type ClusterConfig struct {
	Size      int
	PeerTLS   *transport.TLSInfo
	ClientTLS *transport.TLSInfo

	DiscoveryURL string
	AuthToken    string
	AuthTokenTTL uint
	UseGRPC      bool

	QuotaBackendBytes int64

	MaxTxnOps              uint
	MaxRequestBytes        uint
	SnapshotCount          uint64
	SnapshotCatchUpEntries uint64

	GRPCKeepAliveMinTime  time.Duration
	GRPCKeepAliveInterval time.Duration
	GRPCKeepAliveTimeout  time.Duration

	SkipCreatingClient bool

	ClientMaxCallSendMsgSize int
	ClientMaxCallRecvMsgSize int

	UseIP bool

	EnableLeaseCheckpoint   bool
	LeaseCheckpointInterval time.Duration
	LeaseCheckpointPersist  bool

	WatchProgressNotifyInterval time.Duration
	CorruptCheckTime            time.Duration
}

func (c *ClusterConfig) unsupported() string {
	switch {
	case c.ClientTLS != nil || c.PeerTLS != nil:
		return "TLS"
	case c.DiscoveryURL != "":
		return "discovery"
	case c.AuthToken != "":
		return "auth tokens"
	case c.MaxTxnOps != 0 || c.MaxRequestBytes != 0:
		return "a limit of its own on requests"
	case c.WatchProgressNotifyInterval != 0:
		return "a progress interval of its own"
	}
	return ""
}

type cluster struct {
	cfg     *ClusterConfig
	dir     string
	Members []*member
}

// ClusterV3 is a running cluster with a client for each member.
type ClusterV3 struct {
	*cluster

	mu      sync.Mutex
	clients []*clientv3.Client
}

type member struct {
	etcdserver.ServerConfig
	DialOptions []grpc.DialOption

	cluster *cluster
	t       testing.TB
	index   int
	address string
	bridge  *bridge
	id      types.ID
	stopped chan struct{}

	clientMaxCallSendMsgSize int
	clientMaxCallRecvMsgSize int
}

// NewClusterV3 starts a cluster, or skips the test.
func NewClusterV3(t testing.TB, cfg *ClusterConfig) *ClusterV3 {
	if reason := cfg.unsupported(); reason != "" {
		t.Skipf("needs %s", reason)
	}
	clus := &ClusterV3{cluster: newCluster(t, cfg)}
	for _, m := range clus.Members {
		client, err := NewClientV3(m)
		if err != nil {
			t.Fatalf("cannot connect to gateway %d: %v", m.index, err)
		}
		m.identify(client)
		if cfg.SkipCreatingClient {
			client.Close()
			continue
		}
		clus.clients = append(clus.clients, client)
	}
	return clus
}

func newCluster(t testing.TB, cfg *ClusterConfig) *cluster {
	dir, err := os.MkdirTemp("", "quorate-go-")
	if err != nil {
		t.Fatal(err)
	}
	c := &cluster{cfg: cfg, dir: dir}
	urls := make([]string, cfg.Size)
	for i := range urls {
		address := freeAddress(t)
		urls[i] = "http://" + address
		m := &member{
			cluster: c, t: t, index: i + 1, address: address, stopped: make(chan struct{}),
			clientMaxCallSendMsgSize: cfg.ClientMaxCallSendMsgSize,
			clientMaxCallRecvMsgSize: cfg.ClientMaxCallRecvMsgSize,
		}
		m.Name = fmt.Sprintf("n%d", i+1)
		m.ElectionTicks = electionTicks
		m.TickMs = uint(tickDuration / time.Millisecond)
		c.Members = append(c.Members, m)
	}
	size := fmt.Sprint(cfg.Size)
	args := []string{
		"dev", "--detach", "--fresh", "--members", size, "--gateways", size,
		"--client-urls", strings.Join(urls, ","), "--event-subjects", "off",
	}
	if cfg.QuotaBackendBytes != 0 {
		args = append(args, "--quota-backend-bytes", fmt.Sprint(cfg.QuotaBackendBytes), "--alarm-clear", "manual")
	}
	if cfg.SnapshotCatchUpEntries != 0 {
		args = append(args, "--log-keep-entries", fmt.Sprint(cfg.SnapshotCatchUpEntries))
	}
	if out, err := c.quorate(args...); err != nil {
		t.Fatalf("cannot start a cluster: %v\n%s", err, out)
	}
	for _, m := range c.Members {
		if m.bridge, err = newBridge(m.address); err != nil {
			t.Fatal(err)
		}
	}
	return c
}

// quorate runs a command of the quorate program on the cluster.
func (c *cluster) quorate(args ...string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
	defer cancel()
	args = append([]string{os.Getenv("QUORATE_MAIN")}, append(args, "--data-dir", c.dir)...)
	return exec.CommandContext(ctx, os.Getenv("QUORATE_NODE"), args...).CombinedOutput()
}

// Terminate stops everything and removes its files.
func (c *ClusterV3) Terminate(t testing.TB) {
	c.mu.Lock()
	for _, client := range c.clients {
		if client == nil {
			continue
		}
		if err := client.Close(); err != nil && err != context.Canceled {
			t.Error(err)
		}
	}
	c.mu.Unlock()
	c.cluster.Terminate(t)
}

func (c *cluster) Terminate(t testing.TB) {
	for _, m := range c.Members {
		m.bridge.Close()
	}
	if out, err := c.quorate("dev", "stop"); err != nil {
		t.Errorf("cannot stop the cluster: %v\n%s", err, out)
	}
	if t != nil && t.Failed() {
		t.Logf("logs: %s", filepath.Join(c.dir, "logs"))
		return
	}
	os.RemoveAll(c.dir)
}

// Client is connected to member i, counted from 0, alone.
func (c *ClusterV3) Client(i int) *clientv3.Client { return c.clients[i] }

// RandClient is the client of any member.
func (c *ClusterV3) RandClient() *clientv3.Client { return c.clients[rand.Intn(len(c.clients))] }

// TakeClient leaves a client to the caller, who closes it.
func (c *ClusterV3) TakeClient(i int) {
	c.mu.Lock()
	c.clients[i] = nil
	c.mu.Unlock()
}

// GetLearnerMembers lists the members without a vote.
func (c *ClusterV3) GetLearnerMembers() ([]*pb.Member, error) {
	resp, err := c.Client(0).MemberList(context.Background())
	if err != nil {
		return nil, err
	}
	var learners []*pb.Member
	for _, m := range resp.Members {
		if m.IsLearner {
			learners = append(learners, m)
		}
	}
	return learners, nil
}

// AddAndLaunchLearnerMember is not possible through the gateways that run.
func (c *ClusterV3) AddAndLaunchLearnerMember(t testing.TB) { t.Skip("starts a learner in process") }

// MustNewMember is not possible either.
func (c *ClusterV3) MustNewMember(t testing.TB, _ *clientv3.MemberAddResponse) *member {
	t.Skip("starts a member in process")
	return nil
}

// Launch starts a member that was made.
func (m *member) Launch() error { return fmt.Errorf("members are not started in process") }

// WaitLeader returns the place of the member that leads, once all that run agree.
func (c *cluster) WaitLeader(t testing.TB) int { return c.waitLeader(t, c.Members) }

func (c *cluster) waitLeader(t testing.TB, members []*member) int {
	deadline := time.Now().Add(startTimeout)
	for time.Now().Before(deadline) {
		if leader, ok := agreedLeader(members); ok {
			for i, m := range members {
				if m.id == leader {
					return i
				}
			}
		}
		time.Sleep(10 * tickDuration)
	}
	t.Fatal("no leader")
	return -1
}

func agreedLeader(members []*member) (types.ID, bool) {
	var leader types.ID
	for _, m := range members {
		if m.isStopped() {
			continue
		}
		status, err := m.status()
		if err != nil || status.Leader == 0 || (leader != 0 && types.ID(status.Leader) != leader) {
			return 0, false
		}
		leader = types.ID(status.Leader)
	}
	return leader, leader != 0
}

// GRPCAddr is where clients reach the member's gateway.
func (m *member) GRPCAddr() string { return m.bridge.address() }

// ID is the member's id.
func (m *member) ID() types.ID { return m.id }

// ElectionTimeout is what a test waits for when it waits for an election.
func (m *member) ElectionTimeout() time.Duration { return electionTicks * tickDuration }

// DropConnections and the others act on the connections of clients.
func (m *member) DropConnections()    { m.bridge.reset() }
func (m *member) PauseConnections()   { m.bridge.pause() }
func (m *member) UnpauseConnections() { m.bridge.unpause() }
func (m *member) Blackhole()          { m.bridge.setBlackhole(true) }
func (m *member) Unblackhole()        { m.bridge.setBlackhole(false) }

// InjectPartition would need a network of its own for each member.
func (m *member) InjectPartition(t testing.TB, _ ...*member) { t.Skip("partitions single members") }

// RecoverPartition ends what InjectPartition began.
func (m *member) RecoverPartition(t testing.TB, _ ...*member) {}

// Metric would read etcd's own metrics.
func (m *member) Metric(string) (string, error) {
	m.t.Skip("reads etcd's metrics")
	return "", nil
}

// Stop ends the member's node and gateway.
func (m *member) Stop(t testing.TB) {
	for _, process := range m.processes(t) {
		if out, err := m.cluster.quorate("dev", "kill", process); err != nil {
			t.Fatalf("cannot stop %s: %v\n%s", process, err, out)
		}
	}
	close(m.stopped)
	m.bridge.reset()
}

// Terminate is Stop for good.
func (m *member) Terminate(t testing.TB) { m.Stop(t) }

// Restart starts what Stop has ended.
func (m *member) Restart(t testing.TB) error {
	for _, process := range m.processes(t) {
		if out, err := m.cluster.quorate("dev", "start", process); err != nil {
			return fmt.Errorf("cannot start %s: %v\n%s", process, err, out)
		}
	}
	m.stopped = make(chan struct{})
	return nil
}

// StopNotify is closed once the member was stopped.
func (m *member) StopNotify() <-chan struct{} { return m.stopped }

// ReadyNotify is closed when the member serves.
func (m *member) ReadyNotify() <-chan struct{} {
	ready := make(chan struct{})
	go func() {
		m.WaitOK(m.t)
		close(ready)
	}()
	return ready
}

// WaitOK waits until the member answers.
func (m *member) WaitOK(t testing.TB) {
	deadline := time.Now().Add(startTimeout)
	for time.Now().Before(deadline) {
		if status, err := m.status(); err == nil && status.Leader != 0 {
			return
		}
		time.Sleep(10 * tickDuration)
	}
	t.Fatalf("member %d does not answer", m.index)
}

func (m *member) isStopped() bool {
	select {
	case <-m.stopped:
		return true
	default:
		return false
	}
}

func (m *member) identify(client *clientv3.Client) {
	ctx, cancel := context.WithTimeout(context.Background(), requestTimeout)
	defer cancel()
	status, err := client.Status(ctx, m.GRPCAddr())
	if err != nil {
		m.t.Fatalf("member %d has no status: %v", m.index, err)
	}
	m.id = types.ID(status.Header.MemberId)
}

func (m *member) status() (*clientv3.StatusResponse, error) {
	client, err := clientv3.New(clientv3.Config{Endpoints: []string{m.GRPCAddr()}, DialTimeout: requestTimeout})
	if err != nil {
		return nil, err
	}
	defer client.Close()
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	return client.Status(ctx, m.GRPCAddr())
}

// processes names the member's node and gateway as the cluster file does.
func (m *member) processes(t testing.TB) []string {
	var file struct {
		Processes []struct{ Name string }
	}
	bytes, err := os.ReadFile(filepath.Join(m.cluster.dir, "cluster.json"))
	if err == nil {
		err = json.Unmarshal(bytes, &file)
	}
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, process := range file.Processes {
		name := process.Name
		isNode := name == fmt.Sprintf("n%d", m.index)
		isGateway := strings.HasPrefix(name, "gateway") && strings.HasSuffix(name, fmt.Sprint(m.index))
		if isNode || isGateway || (len(m.cluster.Members) == 1 && name == "gateway") {
			names = append(names, name)
		}
	}
	return names
}

// NewClientV3 is connected to one member.
func NewClientV3(m *member) (*clientv3.Client, error) {
	return clientv3.New(clientv3.Config{
		Endpoints:          []string{m.GRPCAddr()},
		DialTimeout:        requestTimeout / 4, // tests count on its being short
		DialOptions:        append([]grpc.DialOption{grpc.WithBlock()}, m.DialOptions...),
		MaxCallSendMsgSize: m.clientMaxCallSendMsgSize,
		MaxCallRecvMsgSize: m.clientMaxCallRecvMsgSize,
	})
}

// WaitClientV3 waits until reads are answered.
func WaitClientV3(t testing.TB, kv clientv3.KV) {
	var err error
	for deadline := time.Now().Add(requestTimeout); time.Now().Before(deadline); time.Sleep(tickDuration) {
		ctx, cancel := context.WithTimeout(context.Background(), requestTimeout)
		_, err = kv.Get(ctx, "/")
		cancel()
		if err == nil {
			return
		}
	}
	t.Fatalf("no answer: %v", err)
}

func freeAddress(t testing.TB) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}
