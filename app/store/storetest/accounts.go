package storetest

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"studysharper/app/store"
	"studysharper/app/study"
)

func hash(b byte) []byte { return bytes.Repeat([]byte{b}, 32) }

// account creates an account of a user with the hash of a code.
func account(t *testing.T, s store.Store, user string, code byte) {
	t.Helper()
	ok(t, s.CreateAccount(t.Context(), study.Account{UserID: user, CodeHash: hash(code)}))
}

func deviceIDs(devices []study.Device) []string {
	return texts(func(d study.Device) string { return d.ID }, devices)
}

var accountTests = map[string]func(*testing.T, store.Store){
	"ASecretIsWhatTheFirstCallGave": func(t *testing.T, s store.Store) {
		for i := range byte(3) {
			if got := must(s.Secret(t.Context(), "key", hash(7+i)))(t); !bytes.Equal(got, hash(7)) {
				t.Errorf("call %d: %x", i+1, got)
			}
		}
		if got := must(s.Secret(t.Context(), "other", hash(9)))(t); !bytes.Equal(got, hash(9)) {
			t.Errorf("of another name: %x", got)
		}
		for _, fresh := range [][]byte{nil, make([]byte, store.MaxSecretSize+1)} {
			_, err := s.Secret(t.Context(), "new", fresh)
			wantCode(t, err, study.CodeInternal)
		}
	},
	"AnAccountIsFoundByItsUserAndByItsCode": func(t *testing.T, s store.Store) {
		user := strings.Repeat("é", study.MaxIDRunes)
		account(t, s, user, 1)
		account(t, s, "bob", 2)
		for _, a := range []study.Account{must(s.Account(t.Context(), user))(t), must(s.AccountByCode(t.Context(), hash(1)))(t)} {
			if a.UserID != user || !bytes.Equal(a.CodeHash, hash(1)) || !recent(a.CreatedAt) || a.CodeAt != a.CreatedAt {
				t.Errorf("got %+v", a)
			}
		}
		_, err := s.Account(t.Context(), "cy")
		wantCode(t, err, study.CodeNotFound)
		_, err = s.Account(t.Context(), "a\x00")
		wantCode(t, err, study.CodeNotFound)
		_, err = s.AccountByCode(t.Context(), hash(3))
		wantCode(t, err, study.CodeNotFound)
		wantCode(t, s.CreateAccount(t.Context(), study.Account{UserID: "bob", CodeHash: hash(4)}), study.CodeConflict)
		wantCode(t, s.CreateAccount(t.Context(), study.Account{UserID: "dan", CodeHash: hash(2)}), study.CodeConflict)
		wantFault(t, s.CreateAccount(t.Context(), study.Account{UserID: "", CodeHash: hash(5)}), "user_id")
	},
	"ARenewedCodeReplacesTheOneBefore": func(t *testing.T, s store.Store) {
		account(t, s, "ada", 1)
		ok(t, s.ReplaceCode(t.Context(), "ada", hash(2)))
		_, err := s.AccountByCode(t.Context(), hash(1))
		wantCode(t, err, study.CodeNotFound)
		if a := must(s.AccountByCode(t.Context(), hash(2)))(t); a.UserID != "ada" || a.CodeAt.Before(a.CreatedAt) {
			t.Errorf("got %+v", a)
		}
		wantCode(t, s.ReplaceCode(t.Context(), "bob", hash(3)), study.CodeNotFound)
	},
	"DevicesAreTheirUsers": func(t *testing.T, s store.Store) {
		account(t, s, "ada", 1)
		account(t, s, "bob", 2)
		first := must(s.OpenDevice(t.Context(), study.Device{UserID: "ada", Name: strings.Repeat("x", store.MaxNameBytes) + "y"}))(t)
		second := must(s.OpenDevice(t.Context(), study.Device{UserID: "ada", Name: "a phone\x00"}))(t)
		bobs := must(s.OpenDevice(t.Context(), study.Device{UserID: "bob"}))(t)
		if len(first.Name) != store.MaxNameBytes || second.Name != "a phone\uFFFD" || !recent(first.SeenAt) {
			t.Errorf("opened %+v, %+v", first, second)
		}
		if got := must(s.Device(t.Context(), strings.ToUpper(second.ID)))(t); got != second {
			t.Errorf("got %+v, want %+v", got, second)
		}
		ok(t, s.SeeDevice(t.Context(), first.ID))
		same(t, deviceIDs(must(s.Devices(t.Context(), "ada"))(t)), first.ID, second.ID)
		wantCode(t, s.EndDevice(t.Context(), "ada", bobs.ID), study.CodeNotFound)
		wantCode(t, s.EndDevice(t.Context(), "ada", noID), study.CodeNotFound)
		wantCode(t, s.EndDevice(t.Context(), "ada", "x"), study.CodeNotFound)
		ok(t, s.EndDevice(t.Context(), "ada", first.ID))
		_, err := s.Device(t.Context(), first.ID)
		wantCode(t, err, study.CodeNotFound)
		third := must(s.OpenDevice(t.Context(), study.Device{UserID: "ada"}))(t)
		ok(t, s.EndDevices(t.Context(), "ada", third.ID))
		same(t, deviceIDs(must(s.Devices(t.Context(), "ada"))(t)), third.ID)
		ok(t, s.EndDevices(t.Context(), "ada", ""))
		same(t, deviceIDs(must(s.Devices(t.Context(), "ada"))(t)))
		same(t, deviceIDs(must(s.Devices(t.Context(), "bob"))(t)), bobs.ID)
		_, err = s.OpenDevice(t.Context(), study.Device{UserID: "cy"})
		wantCode(t, err, study.CodeNotFound)
	},
	"OfTooManyDevicesTheOneSeenLongestAgoGoes": func(t *testing.T, s store.Store) {
		account(t, s, "ada", 1)
		var ids []string
		for i := range store.MaxDevices + 1 {
			ids = append(ids, must(s.OpenDevice(t.Context(), study.Device{UserID: "ada", Name: fmt.Sprint(i)}))(t).ID)
		}
		left := deviceIDs(must(s.Devices(t.Context(), "ada"))(t))
		if len(left) != store.MaxDevices || left[0] != ids[store.MaxDevices] {
			t.Errorf("%d devices are left", len(left))
		}
		_, err := s.Device(t.Context(), ids[0])
		wantCode(t, err, study.CodeNotFound)
	},
	"AnAccountGoesWithItsDevices": func(t *testing.T, s store.Store) {
		account(t, s, "ada", 1)
		d := must(s.OpenDevice(t.Context(), study.Device{UserID: "ada"}))(t)
		ok(t, s.DeleteAccount(t.Context(), "ada"))
		ok(t, s.DeleteAccount(t.Context(), "ada"))
		_, err := s.AccountByCode(t.Context(), hash(1))
		wantCode(t, err, study.CodeNotFound)
		_, err = s.Device(t.Context(), d.ID)
		wantCode(t, err, study.CodeNotFound)
		account(t, s, "ada", 1)
	},
}
