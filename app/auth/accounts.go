package auth

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"time"

	"github.com/google/uuid"
	lru "github.com/hashicorp/golang-lru/v2"

	"studysharper/app/study"
)

// Limits on what a worker caches about sign-ins.
const (
	maxKnown    = 4096            // devices and study codes, of 200 bytes each
	knownFor    = time.Minute     // bounds how long a change goes unnoticed that no version reports
	unsureFor   = 5 * time.Second // the same while changes in other instances may be missed
	cookieAge   = 30 * 24 * time.Hour
	seenEvery   = 24 * time.Hour
	cookieBytes = len(uuid.UUID{}) + 4 + sha256.Size // the device, the time of signing, the signature
)

// AccountStore stores accounts; see store.Accounts.
type AccountStore interface {
	CreateAccount(ctx context.Context, a study.Account) error
	Account(ctx context.Context, userID string) (study.Account, error)
	AccountByCode(ctx context.Context, hash []byte) (study.Account, error)
	ReplaceCode(ctx context.Context, userID string, hash []byte) error
	OpenDevice(ctx context.Context, d study.Device) (study.Device, error)
	Device(ctx context.Context, id string) (study.Device, error)
	SeeDevice(ctx context.Context, id string) error
}

// AccountVersion returns a number that changes with each change of a user's code and devices, in all processes of the
// container, and whether changes by other instances are currently received.
type AccountVersion func(user string) (number uint64, reliable bool)

// Accounts identifies users by a device's cookie or by a study code. It caches the last 4,096 of them, so that most
// requests need no query. It is safe for concurrent use.
type Accounts struct {
	store   AccountStore
	signer  *Signer
	version AccountVersion
	known   *lru.Cache[[sha256.Size]byte, knownUser]
}

// knownUser is the user that a device or a study code belonged to when it was read.
type knownUser struct {
	user    string
	version uint64
	at      time.Time
}

// SignedIn is the user of a cookie.
type SignedIn struct {
	User, Device string
	Cookie       string // not "": replaces the previous cookie
}

// NewAccounts makes Accounts from a store, with cookies signed by signer.
func NewAccounts(store AccountStore, signer *Signer, version AccountVersion) *Accounts {
	known, err := lru.New[[sha256.Size]byte, knownUser](maxKnown)
	if err != nil {
		panic(err) // the size is a constant
	}
	return &Accounts{store: store, signer: signer, version: version, known: known}
}

// Healthy reports that study codes can be verified. It is always true, because no issuer is needed.
func (*Accounts) Healthy() bool { return true }

var (
	errNoCode   = study.Errorf(study.CodeUnauthorized, "the study code does not open an account: it was renewed, or has a typing error")
	errNoCookie = study.Errorf(study.CodeUnauthorized, "the session has ended: sign in with your study code")
)

// User returns the user of a study code. Its errors are *study.Error: CodeUnauthorized with a reason that reveals
// nothing of the code, or the store's.
func (a *Accounts) User(ctx context.Context, text string) (string, error) {
	code, ok := readStudyCode(text)
	if !ok {
		return "", errNoCode
	}
	hash := hashCode(code)
	return a.find(hash, func() (string, error) {
		account, err := a.store.AccountByCode(ctx, hash[:])
		return account.UserID, refused(err, errNoCode)
	})
}

// Cookie returns the user of a cookie. It replaces a cookie that is a month old, so that a cookie in use does not
// expire.
func (a *Accounts) Cookie(ctx context.Context, cookie string) (SignedIn, error) {
	raw, err := base64.RawURLEncoding.Strict().DecodeString(cookie)
	if err != nil || len(raw) != cookieBytes {
		return SignedIn{}, errNoCookie
	}
	text, code := raw[:len(raw)-sha256.Size], raw[len(raw)-sha256.Size:]
	ok, err := a.signer.verify(ctx, code, cookiePurpose, text)
	if err != nil {
		return SignedIn{}, err
	}
	if !ok {
		return SignedIn{}, errNoCookie
	}
	device := uuid.UUID(text[:16])
	v := SignedIn{Device: device.String()}
	v.User, err = a.find(sha256.Sum256(text[:16]), func() (string, error) { return a.readDevice(ctx, v.Device) })
	if signed := time.Unix(int64(binary.BigEndian.Uint32(text[16:])), 0); err == nil && time.Since(signed) > cookieAge {
		v.Cookie, err = a.sign(ctx, device)
	}
	return v, err
}

// readDevice returns the user of a device, and records once a day that it was seen.
func (a *Accounts) readDevice(ctx context.Context, id string) (string, error) {
	d, err := a.store.Device(ctx, id)
	if err == nil && time.Since(d.SeenAt) > seenEvery {
		_ = a.store.SeeDevice(ctx, id) // if it fails, the next day is early enough
	}
	return d.UserID, refused(err, errNoCookie)
}

// refused returns no if err is CodeNotFound, and err otherwise.
func refused(err error, no *study.Error) error {
	if err == nil || !study.IsCode(err, study.CodeNotFound) {
		return err
	}
	return no
}

// find returns the user of a key: the cached one while nothing of that user's account has changed, or else the one that
// it reads.
func (a *Accounts) find(key [sha256.Size]byte, read func() (string, error)) (string, error) {
	if k, ok := a.known.Get(key); ok {
		number, reliable := a.version(k.user)
		most := knownFor
		if !reliable {
			most = unsureFor
		}
		if number == k.version && time.Since(k.at) < most {
			return k.user, nil
		}
	}
	at := time.Now()
	user, err := read()
	if err != nil {
		a.known.Remove(key)
		return "", err
	}
	number, _ := a.version(user) // the user is known only now, so the key is read again: what is cached must have been read under its version
	if user, err = read(); err == nil {
		a.known.Add(key, knownUser{user, number, at})
	}
	return user, err
}

const cookiePurpose = "account cookie"

// sign returns the cookie of a device.
func (a *Accounts) sign(ctx context.Context, device uuid.UUID) (string, error) {
	text := binary.BigEndian.AppendUint32(device[:], uint32(time.Now().Unix())) //nolint:gosec // until 2106
	code, err := a.signer.sign(ctx, cookiePurpose, text)
	return base64.RawURLEncoding.EncodeToString(append(text, code...)), err
}

// Create makes an account with a new id and returns its study code, which is not stored.
func (a *Accounts) Create(ctx context.Context) (user, code string, err error) {
	user = uuid.NewString()
	code, err = createAccount(ctx, a.store, user)
	return user, code, err
}

func createAccount(ctx context.Context, s AccountStore, user string) (code string, err error) {
	code, hash := newHashedCode()
	return code, s.CreateAccount(ctx, study.Account{UserID: user, CodeHash: hash})
}

// RenewCode gives an account a new study code; the previous one becomes invalid.
func (a *Accounts) RenewCode(ctx context.Context, user string) (code string, err error) {
	code, hash := newHashedCode()
	return code, a.store.ReplaceCode(ctx, user, hash)
}

func newHashedCode() (code string, hash []byte) {
	code = newStudyCode()
	read, _ := readStudyCode(code)
	sum := hashCode(read)
	return code, sum[:]
}

// Open signs a user in on a new device.
func (a *Accounts) Open(ctx context.Context, user, name string) (SignedIn, error) {
	d, err := a.store.OpenDevice(ctx, study.Device{UserID: user, Name: name})
	if err != nil {
		return SignedIn{}, err
	}
	id, err := uuid.Parse(d.ID)
	if err != nil {
		return SignedIn{}, err
	}
	cookie, err := a.sign(ctx, id)
	return SignedIn{User: user, Device: d.ID, Cookie: cookie}, err
}
