package httpapi

import (
	"github.com/gofiber/fiber/v2"

	"studysharper/app/study"
)

// Disk reports how much space is left on the database's disk; see store.Disk.
type Disk interface {
	Free() (free, reserve int64) // bytes; 0, 0 = unknown, or no reserve is set
	Space() int64                // free bytes, whether or not a reserve is set; -1 = unknown
}

const megabyte = 1 << 20

// requireDisk refuses writes, except deletions, while less than the reserve is free.
func (s *Server) requireDisk(c *fiber.Ctx) error {
	if isSafe(c.Method()) || c.Method() == fiber.MethodDelete {
		return c.Next()
	}
	if err := s.refuseIfDiskFull(); err != nil {
		return err
	}
	if c.Path() != importRoute { // the text of an uploaded file is stored, not the file
		if err := s.mayStore(c, s.declaredBytes(c)); err != nil {
			return err
		}
	}
	return c.Next()
}

// refuseIfDiskFull returns CodeQuota (status 507) while less than the reserve is free.
func (s *Server) refuseIfDiskFull() error {
	if s.o.Disk == nil {
		return nil
	}
	free, reserve := s.o.Disk.Free()
	s.noteDisk(free, reserve)
	if free >= reserve {
		return nil
	}
	return study.Errorf(study.CodeQuota, "the server's disk is nearly full: %d MB are free, %d MB are reserved (DISK_RESERVE_MB); nothing more can be saved until there is space", free/megabyte, reserve/megabyte)
}

const (
	diskRoom = iota
	diskLow  // less than twice the reserve is free: a warning before writes are refused
	diskFull
)

// diskState returns the state for this much free space.
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

// noteDisk logs changes of the disk's state.
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
