package pace

import (
	"context"
	"fmt"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// alarm waits for points in time. When a process is otherwise idle, the runtime rounds its own timers up to a
// millisecond, which is longer than a good answer takes; a timerfd(2) that the runtime polls does not have that
// problem.
type alarm struct {
	file *os.File
	fd   int
}

func newAlarm() (*alarm, error) {
	fd, err := unix.TimerfdCreate(unix.CLOCK_MONOTONIC, unix.TFD_NONBLOCK|unix.TFD_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("timerfd_create: %w", err)
	}
	return &alarm{file: os.NewFile(uintptr(fd), "timerfd"), fd: fd}, nil
}

// wait waits until a point in time, and returns at once if it has passed. It returns false if ctx has ended.
func (a *alarm) wait(ctx context.Context, until time.Time) bool {
	left := time.Until(until)
	if left <= 0 || ctx.Err() != nil {
		return ctx.Err() == nil
	}
	spec := unix.ItimerSpec{Value: unix.NsecToTimespec(int64(left))}
	if err := unix.TimerfdSettime(a.fd, 0, &spec, nil); err != nil {
		panic(fmt.Sprintf("pace: timerfd_settime: %v", err)) // only a bug in this package can be the cause
	}
	var rings [8]byte
	_, err := a.file.Read(rings[:])
	return err == nil && ctx.Err() == nil
}

// cancelWith ends the current wait when ctx ends.
func (a *alarm) cancelWith(ctx context.Context) (release func() bool) {
	return context.AfterFunc(ctx, func() { _ = a.file.SetReadDeadline(time.Unix(1, 0)) })
}

func (a *alarm) close() { _ = a.file.Close() }
