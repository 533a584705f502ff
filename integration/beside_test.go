package integration

import (
	"fmt"
	"os"
	"strconv"

	"github.com/moby/moby/api/types/container"
	"github.com/testcontainers/testcontainers-go"
)

// asUser has a container run as another user than the image's.
func asUser(uid, gid int) testcontainers.CustomizeRequestOption {
	return testcontainers.WithConfigModifier(func(config *container.Config) { config.User = fmt.Sprintf("%d:%d", uid, gid) })
}

// asMe has it run as the test's own user, so that the test may look at its files.
func asMe() testcontainers.CustomizeRequestOption { return asUser(os.Getuid(), os.Getgid()) }

// on is the usual limits on this machine's own network, changed as a test has it.
func on(change func(*container.HostConfig)) testcontainers.CustomizeRequestOption {
	return testcontainers.WithHostConfigModifier(func(host *container.HostConfig) {
		limit(host, "")
		host.PortBindings, host.NetworkMode = nil, "host"
		if change != nil {
			change(host)
		}
	})
}

// startOn starts the image on this machine's own network.
func (i *incident) startOn(change func(*container.HostConfig), more ...testcontainers.ContainerCustomizer) *service {
	i.Helper()
	port := strconv.Itoa(freePort(i.T))
	more = append(more, on(change), testcontainers.WithEnv(map[string]string{"HOST": "127.0.0.1", "PORT": port}))
	s := &service{DockerContainer: launch(i.T, image, more...), url: "http://127.0.0.1:" + port}
	if err := awaitReady(i.Context(), s.url); err != nil {
		i.Fatal(err)
	}
	return s
}

// volumeOf makes a volume in memory of so many megabytes, for the image's user.
func (i *incident) volumeOf(mb int) string {
	i.Helper()
	name := "studysharper-integration-" + session + "-" + i.fault.id
	docker(i.T, "volume", "create", "--label", sessionLabel+"="+session, "--driver", "local", "--opt", "type=tmpfs", "--opt", "device=tmpfs",
		"--opt", fmt.Sprintf("o=size=%dm,uid=10001,gid=10001,mode=0700", mb), name)
	i.Cleanup(func() { removeVolume(i.T, name) })
	return name
}

// beside runs a shell's command in a container that shares something with the service's, which has no shell.
func (i *incident) beside(command string, options ...string) {
	i.Helper()
	args := append([]string{"run", "--rm", "--label", sessionLabel + "=" + session, "--network", "none"}, options...)
	docker(i.T, append(args, "--entrypoint", "/bin/sh", "redis:7-bookworm", "-c", command)...)
}
