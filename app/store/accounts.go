package store

import (
	"context"
	"database/sql"
	"errors"
	"strings"
	"time"

	"studysharper/app/study"
)

// Bounds of accounts.
const (
	MaxDevices    = 50                   // per account; one more removes the device that was seen least recently
	KeepDevices   = 400 * 24 * time.Hour // since a device was last seen; browsers keep a cookie for as long
	MaxNameBytes  = 200                  // of a device's name; longer is cut
	MaxSecretSize = 64                   // bytes
)

func scanAccount(row scanner, a *study.Account) (mark, error) {
	var created, renewed int64
	err := row.Scan(&a.UserID, &a.CodeHash, &created, &renewed)
	a.CreatedAt, a.CodeAt = fromMicros(created), fromMicros(renewed)
	return mark{}, err
}

func scanDevice(row scanner, d *study.Device) (mark, error) {
	var created, seen int64
	err := row.Scan(&d.ID, &d.UserID, &d.Name, &created, &seen)
	d.CreatedAt, d.SeenAt = fromMicros(created), fromMicros(seen)
	return mark{}, err
}

const (
	accountColumns = "user_id, code, created_at, code_at"
	deviceColumns  = "id, user_id, name, created_at, seen_at"
)

func noAccount() error { return study.Errorf(study.CodeNotFound, "the account does not exist") }
func noDevice() error  { return study.Errorf(study.CodeNotFound, "the session does not exist") }

// Secret implements Store.
func (s *sqlStore) Secret(ctx context.Context, name string, fresh []byte) ([]byte, error) {
	if len(fresh) == 0 || len(fresh) > MaxSecretSize {
		return nil, study.Errorf(study.CodeInternal, "a secret must have 1 to %d bytes", MaxSecretSize)
	}
	const query = "SELECT value FROM secrets WHERE name = $1"
	scan := func(row scanner, v *[]byte) (mark, error) { return mark{}, row.Scan(v) }
	kept, err := one(ctx, s, scan, query, name)
	if !errors.Is(err, sql.ErrNoRows) {
		return kept, err
	}
	const insert = "INSERT INTO secrets (name, value) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING"
	if _, err := s.exec(ctx, insert, name, fresh); err != nil {
		return nil, err
	}
	return one(ctx, s, scan, query, name) // another process may have stored its secret first
}

// CreateAccount implements Store.
func (s *sqlStore) CreateAccount(ctx context.Context, a study.Account) error {
	var c checks
	if c.user(a.UserID); c.err() != nil {
		return c.err()
	}
	const insert = "INSERT INTO accounts (" + accountColumns + ") VALUES ($1, $2, $3, $3) ON CONFLICT DO NOTHING"
	n, err := s.exec(ctx, insert, a.UserID, a.CodeHash, micros(now()))
	if err == nil && n == 0 {
		return study.Errorf(study.CodeConflict, "the user already has an account")
	}
	return err
}

// Account implements Store.
func (s *sqlStore) Account(ctx context.Context, userID string) (study.Account, error) {
	if !storable(userID) {
		return study.Account{}, noAccount()
	}
	a, err := one(ctx, s, scanAccount, "SELECT "+accountColumns+" FROM accounts WHERE user_id = $1", userID)
	return a, missing(err, noAccount)
}

// AccountByCode implements Store.
func (s *sqlStore) AccountByCode(ctx context.Context, hash []byte) (study.Account, error) {
	a, err := one(ctx, s, scanAccount, "SELECT "+accountColumns+" FROM accounts WHERE code = $1", hash)
	return a, missing(err, noAccount)
}

// ReplaceCode implements Store.
func (s *sqlStore) ReplaceCode(ctx context.Context, userID string, hash []byte) error {
	n, err := s.exec(ctx, "UPDATE accounts SET code = $1, code_at = $2 WHERE user_id = $3", hash, micros(now()), userID)
	if err == nil && n == 0 {
		return noAccount()
	}
	return err
}

// DeleteAccount implements Store.
func (s *sqlStore) DeleteAccount(ctx context.Context, userID string) error {
	_, err := s.exec(ctx, "DELETE FROM accounts WHERE user_id = $1", userID)
	return err
}

// OpenDevice implements Store.
func (s *sqlStore) OpenDevice(ctx context.Context, d study.Device) (study.Device, error) {
	d.ID, d.CreatedAt, d.Name = newID(), now(), sanitize(d.Name, MaxNameBytes)
	d.SeenAt = d.CreatedAt
	const (
		insert  = "INSERT INTO devices (" + deviceColumns + ") SELECT CAST($1 AS text), user_id, CAST($2 AS text), CAST($3 AS bigint), CAST($3 AS bigint) FROM accounts WHERE user_id = $4"
		surplus = `DELETE FROM devices WHERE id IN (SELECT id FROM devices WHERE user_id = $1
			ORDER BY seen_at DESC, id DESC LIMIT 1000 OFFSET $2)`
	)
	err := s.transact(ctx, func(ctx context.Context, t tx) error {
		n, err := t.exec(ctx, insert, []any{d.ID, d.Name, micros(d.CreatedAt), d.UserID})
		if err == nil && n == 0 {
			return noAccount()
		}
		if err == nil {
			_, err = t.exec(ctx, surplus, []any{d.UserID, MaxDevices})
		}
		return err
	})
	return d, err
}

// Device implements Store.
func (s *sqlStore) Device(ctx context.Context, id string) (study.Device, error) {
	if !isUUID(id) {
		return study.Device{}, noDevice()
	}
	d, err := one(ctx, s, scanDevice, "SELECT "+deviceColumns+" FROM devices WHERE id = $1", strings.ToLower(id))
	return d, missing(err, noDevice)
}

// Devices implements Store.
func (s *sqlStore) Devices(ctx context.Context, userID string) ([]study.Device, error) {
	if !storable(userID) {
		return []study.Device{}, nil
	}
	return list(ctx, s, scanDevice, "SELECT "+deviceColumns+" FROM devices WHERE user_id = $1 ORDER BY seen_at DESC, id DESC", userID)
}

// SeeDevice implements Store.
func (s *sqlStore) SeeDevice(ctx context.Context, id string) error {
	_, err := s.exec(ctx, "UPDATE devices SET seen_at = $1 WHERE id = $2", micros(now()), strings.ToLower(id))
	return err
}

// EndDevice implements Store.
func (s *sqlStore) EndDevice(ctx context.Context, userID, id string) error {
	if !isUUID(id) || !storable(userID) {
		return noDevice()
	}
	n, err := s.exec(ctx, "DELETE FROM devices WHERE id = $1 AND user_id = $2", strings.ToLower(id), userID)
	if err == nil && n == 0 {
		return noDevice()
	}
	return err
}

// EndDevices implements Store.
func (s *sqlStore) EndDevices(ctx context.Context, userID, except string) error {
	_, err := s.exec(ctx, "DELETE FROM devices WHERE user_id = $1 AND id <> $2", userID, strings.ToLower(except))
	return err
}

// pruneDevices removes the devices that were last seen longer than KeepDevices ago.
func (s *sqlStore) pruneDevices(ctx context.Context) {
	if _, err := s.exec(ctx, "DELETE FROM devices WHERE seen_at < $1", micros(now().Add(-KeepDevices))); err != nil && ctx.Err() == nil {
		s.options.Log.Warn("removing unused devices failed", "error", err)
	}
}
