package httpapi

import (
	"github.com/gofiber/fiber/v2"

	"studysharper/app/study"
)

// Disk tells how much space is left for what is kept; see store.Disk.
type Disk interface {
	Free() (free, reserve int64) // bytes; 0, 0 = not known, or without a reserve
	Space() int64                // free bytes, with or without a reserve; -1 = not known
}

const megabyte = 1 << 20

// requireDisk refuses writes while less than the reserve is free, except those that remove something.
func (s *Server) requireDisk(c *fiber.Ctx) error {
	if isSafe(c.Method()) || c.Method() == fiber.MethodDelete {
		return c.Next()
	}
	if err := s.refuseIfDiskFull(); err != nil {
		return err
	}
	if c.Path() != importRoute { // of a file, its text is stored
		if err := s.mayStore(c, s.declaredBytes(c)); err != nil {
			return err
		}
	}
	return c.Next()
}

// refuseIfDiskFull is CodeQuota, which is 507, while less than the reserve is free.
func (s *Server) refuseIfDiskFull() error {
	if s.o.Disk == nil {
		return nil
	}
	free, reserve := s.o.Disk.Free()
	s.noteDisk(free, reserve)
	if free >= reserve {
		return nil
	}
	return study.Errorf(study.CodeQuota, "the server's disk is nearly full: %d MB are free, %d MB are kept in reserve (DISK_RESERVE_MB); nothing more is kept until there is room", free/megabyte, reserve/megabyte)
}

// The states of the disk.
const (
	diskRoom = iota
	diskLow  // less than twice the reserve is free: told before writes are refused
	diskFull
)

// diskState judges what is free.
func diskState(free, reserve int64) int32 {
	switch {
	case free < reserve:
		return diskFull
	case free < 2*reserve:
		return diskLow
	default:
		return diskRoom
	}
}

// noteDisk logs a change of the disk's state.
func (s *Server) noteDisk(free, reserve int64) {
	state := diskState(free, reserve)
	if s.disk.Swap(state) == state {
		return
	}
	switch state {
	case diskLow:
		s.o.Log.Warn("the disk is filling up: writes are refused below DISK_RESERVE_MB", "free_mb", free/megabyte, "reserve_mb", reserve/megabyte)
	case diskFull:
		s.o.Log.Error("the disk is nearly full: writes are refused", "free_mb", free/megabyte, "reserve_mb", reserve/megabyte)
	default:
		s.o.Log.Info("the disk has room again", "free_mb", free/megabyte)
	}
}
