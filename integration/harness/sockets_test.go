package harness

import (
	"net"
	"os"
	"testing"
)

func TestTheKernelTellsWhoHoldsAConnectionAndWhatItsBuffersTake(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	client, err := net.Dial("tcp", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	server, err := listener.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	const sent = 4096
	if _, err := client.Write(make([]byte, sent)); err != nil {
		t.Fatal(err)
	}
	port, remote := listener.Addr().(*net.TCPAddr).Port, client.LocalAddr().(*net.TCPAddr).Port
	all, err := sockets(port)
	if err != nil {
		t.Fatal(err)
	}
	if len(all) != 1 || all[0].remote != remote || all[0].memory < sent {
		t.Errorf("%+v, want one connection, from port %d, with at least %d bytes", all, remote, sent)
	}
	held, err := ConnectionHolders(port, []int{os.Getpid()})
	if err != nil || len(held) != 1 || held[remote] != os.Getpid() {
		t.Errorf("held %v, %v", held, err)
	}
}
