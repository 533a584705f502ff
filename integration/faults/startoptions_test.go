package faults

import (
	"fmt"
	"os"
	"strconv"

	"github.com/moby/moby/api/types/container"
	"github.com/testcontainers/testcontainers-go"

	"studysharper/integration/harness"
)

// asUser makes a container run as another user than the image's.
func asUser(uid, gid int) testcontainers.CustomizeRequestOption {
	return testcontainers.WithConfigModifier(func(config *container.Config) { config.User = fmt.Sprintf("%d:%d", uid, gid) })
}

// asMe makes it run as the test's own user, so that the test can read its files.
func asMe() testcontainers.CustomizeRequestOption { return asUser(os.Getuid(), os.Getgid()) }

// hostNetwork sets the usual limits on this machine's own network, modified by change.
func hostNetwork(change func(*container.HostConfig)) testcontainers.CustomizeRequestOption {
	return testcontainers.WithHostConfigModifier(func(host *container.HostConfig) {
		harness.Limit(host, "")
		host.PortBindings, host.NetworkMode = nil, "host"
		if change != nil {
			change(host)
		}
	})
}

// startOnHostNetwork starts the image on this machine's own network.
func (i *incident) startOnHostNetwork(change func(*container.HostConfig), more ...testcontainers.ContainerCustomizer) *harness.Service {
	i.Helper()
	port := strconv.Itoa(harness.FreePort(i.T))
	more = append(more, hostNetwork(change), testcontainers.WithEnv(map[string]string{"HOST": "127.0.0.1", "PORT": port}))
	s := &harness.Service{DockerContainer: harness.Launch(i.T, harness.Image, more...), URL: "http://127.0.0.1:" + port}
	if err := harness.AwaitReady(s.URL, harness.ReadyWithin); err != nil {
		i.Fatal(err)
	}
	return s
}

// volumeOf creates a volume in memory of mb megabytes, owned by the image's user.
func (i *incident) volumeOf(mb int) string {
	i.Helper()
	name := "studysharper-integration-" + harness.Session + "-" + i.fault.id
	harness.Docker(i.T, "volume", "create", "--label", harness.SessionLabel+"="+harness.Session, "--driver", "local", "--opt", "type=tmpfs", "--opt", "device=tmpfs",
		"--opt", fmt.Sprintf("o=size=%dm,uid=10001,gid=10001,mode=0700", mb), name)
	i.Cleanup(func() { harness.RemoveVolume(i.T, name) })
	return name
}

// runSidecar runs a shell command in a container that shares something with the service's, which has no shell.
func (i *incident) runSidecar(command string, options ...string) {
	i.Helper()
	args := append([]string{"run", "--rm", "--label", harness.SessionLabel + "=" + harness.Session, "--network", "none"}, options...)
	harness.Docker(i.T, append(args, "--entrypoint", "/bin/sh", "redis:7-bookworm", "-c", command)...)
}
