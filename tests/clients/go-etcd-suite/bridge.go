package integration

import (
	"io"
	"net"
	"sync"
)

// bridge passes connections on to a gateway until it is told otherwise.
type bridge struct {
	target   string
	listener net.Listener

	mu        sync.Mutex
	changed   *sync.Cond
	paused    bool
	blackhole bool
	closed    bool
	conns     map[net.Conn]struct{}
}

func newBridge(target string) (*bridge, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	b := &bridge{target: target, listener: listener, conns: map[net.Conn]struct{}{}}
	b.changed = sync.NewCond(&b.mu)
	go b.serve()
	return b, nil
}

func (b *bridge) address() string { return b.listener.Addr().String() }

func (b *bridge) serve() {
	for {
		in, err := b.listener.Accept()
		if err != nil {
			return
		}
		b.mu.Lock()
		for b.paused && !b.closed {
			b.changed.Wait()
		}
		closed := b.closed
		b.mu.Unlock()
		if closed {
			in.Close()
			return
		}
		go b.connect(in)
	}
}

func (b *bridge) connect(in net.Conn) {
	out, err := net.Dial("tcp", b.target)
	if err != nil {
		in.Close()
		return
	}
	b.mu.Lock()
	b.conns[in], b.conns[out] = struct{}{}, struct{}{}
	b.mu.Unlock()
	var done sync.WaitGroup
	done.Add(2)
	pass := func(from, to net.Conn) {
		defer done.Done()
		io.Copy(&hole{b, to}, from)
		from.Close()
		to.Close()
	}
	go pass(in, out)
	go pass(out, in)
	done.Wait()
	b.mu.Lock()
	delete(b.conns, in)
	delete(b.conns, out)
	b.mu.Unlock()
}

// hole swallows what is written while the bridge is a black hole.
type hole struct {
	bridge *bridge
	to     net.Conn
}

func (h *hole) Write(bytes []byte) (int, error) {
	h.bridge.mu.Lock()
	swallowed := h.bridge.blackhole
	h.bridge.mu.Unlock()
	if swallowed {
		return len(bytes), nil
	}
	return h.to.Write(bytes)
}

func (b *bridge) reset() {
	b.mu.Lock()
	defer b.mu.Unlock()
	for conn := range b.conns {
		conn.Close()
	}
}

func (b *bridge) pause() { b.set(func() { b.paused = true }) }

func (b *bridge) unpause() { b.set(func() { b.paused = false }) }

func (b *bridge) setBlackhole(on bool) {
	b.set(func() { b.blackhole = on })
	if !on {
		b.reset() // what was swallowed is missing in the middle of a connection
	}
}

func (b *bridge) set(change func()) {
	b.mu.Lock()
	change()
	b.changed.Broadcast()
	b.mu.Unlock()
}

// Close ends all connections, and lets none in. Idempotent.
func (b *bridge) Close() {
	b.set(func() { b.closed = true })
	b.listener.Close()
	b.reset()
}
