// A DTLS client on pion/dtls, driven line by line. Standard input takes `send HEX`, `rebind` (go on from another local
// port), `reconnect` (a new handshake, with the session of the last one where -resume is given) and `close`; standard
// output tells `connected <suite> <session>`, `failed <reason>`, `received HEX`, `rebound <port>`, `closed`.
package main

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"flag"
	"fmt"
	"net"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/pion/dtls/v3"
)

var suites = map[string]dtls.CipherSuiteID{
	"PSK_CCM_8":         dtls.TLS_PSK_WITH_AES_128_CCM_8,
	"PSK_CCM":           dtls.TLS_PSK_WITH_AES_128_CCM,
	"PSK_GCM":           dtls.TLS_PSK_WITH_AES_128_GCM_SHA256,
	"PSK_CBC":           dtls.TLS_PSK_WITH_AES_128_CBC_SHA256,
	"ECDHE_PSK_CBC":     dtls.TLS_ECDHE_PSK_WITH_AES_128_CBC_SHA256,
	"ECDHE_ECDSA_CCM_8": dtls.TLS_ECDHE_ECDSA_WITH_AES_128_CCM_8,
	"ECDHE_ECDSA_GCM":   dtls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
}

func tell(format string, values ...any) { fmt.Printf(format+"\n", values...) }

// pipe is a socket whose local port changes under a connection that does not notice.
type pipe struct {
	mutex  sync.Mutex
	socket *net.UDPConn
}

func open() (*net.UDPConn, error) {
	return net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
}

func (p *pipe) now() *net.UDPConn {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	return p.socket
}

func (p *pipe) rebind() (net.Addr, error) {
	next, err := open()
	if err != nil {
		return nil, err
	}
	p.mutex.Lock()
	former := p.socket
	p.socket = next
	p.mutex.Unlock()
	return next.LocalAddr(), former.Close()
}

func (p *pipe) ReadFrom(bytes []byte) (int, net.Addr, error) {
	for {
		socket := p.now()
		n, from, err := socket.ReadFrom(bytes)
		// A read on the former socket ends with its closing; the next one waits on the new socket.
		if errors.Is(err, net.ErrClosed) && socket != p.now() {
			continue
		}
		return n, from, err
	}
}

func (p *pipe) WriteTo(bytes []byte, to net.Addr) (int, error) { return p.now().WriteTo(bytes, to) }
func (p *pipe) Close() error                                   { return p.now().Close() }
func (p *pipe) LocalAddr() net.Addr                            { return p.now().LocalAddr() }
func (p *pipe) SetDeadline(at time.Time) error                 { return p.now().SetDeadline(at) }
func (p *pipe) SetReadDeadline(at time.Time) error             { return p.now().SetReadDeadline(at) }
func (p *pipe) SetWriteDeadline(at time.Time) error            { return p.now().SetWriteDeadline(at) }

// sessions keeps what a handshake may go on with.
type sessions struct{ kept map[string]dtls.Session }

func (s sessions) Set(key []byte, session dtls.Session) error {
	s.kept[string(key)] = session
	return nil
}
func (s sessions) Get(key []byte) (dtls.Session, error) { return s.kept[string(key)], nil }
func (s sessions) Del(key []byte) error {
	delete(s.kept, string(key))
	return nil
}

type settings struct {
	server, identity, key, suites, ca, certificate, privateKey, name string
	cid                                                              int
	resume                                                           bool
	within                                                           time.Duration
}

func read() settings {
	var s settings
	flag.StringVar(&s.server, "server", "", "host:port")
	flag.StringVar(&s.identity, "identity", "", "PSK identity")
	flag.StringVar(&s.key, "key", "", "PSK in hexadecimal")
	flag.StringVar(&s.suites, "suites", "PSK_CCM_8", "names, separated by commas")
	flag.StringVar(&s.ca, "ca", "", "PEM file of the server's CA")
	flag.StringVar(&s.certificate, "certificate", "", "PEM file")
	flag.StringVar(&s.privateKey, "private-key", "", "PEM file")
	flag.StringVar(&s.name, "name", "", "name that the server must prove")
	flag.IntVar(&s.cid, "cid", -1, "bytes of the own Connection ID; 0: only the server's is used; -1: none")
	flag.BoolVar(&s.resume, "resume", false, "keeps sessions for reconnect")
	flag.DurationVar(&s.within, "within", 10*time.Second, "limit of a handshake")
	flag.Parse()
	return s
}

func (s settings) config() (*dtls.Config, error) {
	config := &dtls.Config{FlightInterval: 300 * time.Millisecond}
	for _, name := range strings.Split(s.suites, ",") {
		config.CipherSuites = append(config.CipherSuites, suites[name])
	}
	if s.key != "" {
		key, err := hex.DecodeString(s.key)
		if err != nil {
			return nil, err
		}
		config.PSK = func([]byte) ([]byte, error) { return key, nil }
		config.PSKIdentityHint = []byte(s.identity)
	}
	if s.certificate != "" {
		own, err := tls.LoadX509KeyPair(s.certificate, s.privateKey)
		if err != nil {
			return nil, err
		}
		config.Certificates = []tls.Certificate{own}
	}
	if s.ca != "" {
		pem, err := os.ReadFile(s.ca)
		if err != nil {
			return nil, err
		}
		config.RootCAs = x509.NewCertPool()
		config.RootCAs.AppendCertsFromPEM(pem)
		config.ServerName = s.name
	}
	switch {
	case s.cid > 0:
		config.ConnectionIDGenerator = dtls.RandomCIDGenerator(s.cid)
	case s.cid == 0:
		config.ConnectionIDGenerator = dtls.OnlySendCIDGenerator()
	}
	if s.resume {
		config.SessionStore = sessions{kept: map[string]dtls.Session{}}
	}
	return config, nil
}

func connect(s settings, config *dtls.Config, server *net.UDPAddr) (*dtls.Conn, *pipe, error) {
	socket, err := open()
	if err != nil {
		return nil, nil, err
	}
	way := &pipe{socket: socket}
	connection, err := dtls.Client(way, server, config)
	if err != nil {
		return nil, nil, err
	}
	limit, done := context.WithTimeout(context.Background(), s.within)
	defer done()
	if err := connection.HandshakeContext(limit); err != nil {
		_ = connection.Close()
		return nil, nil, err
	}
	state, _ := connection.ConnectionState()
	tell("connected %04x %x", uint16(state.CipherSuiteID), state.SessionID)
	return connection, way, nil
}

func listen(connection *dtls.Conn) {
	bytes := make([]byte, 16384)
	for {
		n, err := connection.Read(bytes)
		if err != nil {
			tell("closed %v", err)
			return
		}
		tell("received %x", bytes[:n])
	}
}

func run() error {
	s := read()
	config, err := s.config()
	if err != nil {
		return err
	}
	server, err := net.ResolveUDPAddr("udp4", s.server)
	if err != nil {
		return err
	}
	connection, way, err := connect(s, config, server)
	if err != nil {
		return err
	}
	go listen(connection)
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		command, value, _ := strings.Cut(lines.Text(), " ")
		switch command {
		case "send":
			bytes, err := hex.DecodeString(value)
			if err != nil {
				return err
			}
			if _, err := connection.Write(bytes); err != nil {
				return err
			}
		case "rebind":
			address, err := way.rebind()
			if err != nil {
				return err
			}
			tell("rebound %d", address.(*net.UDPAddr).Port)
		case "reconnect":
			_ = connection.Close()
			if connection, way, err = connect(s, config, server); err != nil {
				return err
			}
			go listen(connection)
		case "close":
			return connection.Close()
		}
	}
	return connection.Close()
}

func main() {
	if err := run(); err != nil {
		tell("failed %v", err)
		os.Exit(1)
	}
}
