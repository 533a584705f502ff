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

// Bounds of what a worker knows of sign-ins.
const (
	maxKnown    = 4096            // devices and study codes, of 200 bytes each
	knownFor    = time.Minute     // bounds how long a change goes unnoticed that no version tells of
	unsureFor   = 5 * time.Second // the same while changes elsewhere are not heard of
	cookieAge   = 30 * 24 * time.Hour
	seenEvery   = 24 * time.Hour
	cookieBytes = len(uuid.UUID{}) + 4 + sha256.Size // the device, when it was signed, the signature
)

// AccountStore keeps accounts; see store.Accounts.
type AccountStore interface {
	CreateAccount(ctx context.Context, a study.Account) error
	Account(ctx context.Context, userID string) (study.Account, error)
	AccountByCode(ctx context.Context, hash []byte) (study.Account, error)
	ReplaceCode(ctx context.Context, userID string, hash []byte) error
	OpenDevice(ctx context.Context, d study.Device) (study.Device, error)
	Device(ctx context.Context, id string) (study.Device, error)
	SeeDevice(ctx context.Context, id string) error
}

// AccountVersion gives a number that changes with each change of a user's code and devices, in all processes of the
// container, and whether changes by other instances are heard of now.
type AccountVersion func(user string) (number uint64, reliable bool)

// Accounts tells who users are by the cookie of a device or by a study code. It remembers what it read of the last 4,096
// of them, so that a request costs no query. It is safe for concurrent use.
type Accounts struct {
	store   AccountStore
	signer  *Signer
	version AccountVersion
	known   *lru.Cache[[sha256.Size]byte, knownUser]
}

// knownUser is whom a device or a study code opened when it was read.
type knownUser struct {
	user    string
	version uint64
	at      time.Time
}

// SignedIn is the user of a cookie.
type SignedIn struct {
	User, Device string
	Cookie       string // not "": the cookie in place of the one before it
}

// NewAccounts makes Accounts of a store, with cookies that signer signs.
func NewAccounts(store AccountStore, signer *Signer, version AccountVersion) *Accounts {
	known, err := lru.New[[sha256.Size]byte, knownUser](maxKnown)
	if err != nil {
		panic(err) // the size is a constant
	}
	return &Accounts{store: store, signer: signer, version: version, known: known}
}

// Healthy reports that study codes can be verified: no issuer is needed.
func (*Accounts) Healthy() bool { return true }

var (
	errNoCode   = study.Errorf(study.CodeUnauthorized, "the study code does not open an account: it was renewed, or has a typing error")
	errNoCookie = study.Errorf(study.CodeUnauthorized, "the session has ended: open it with the study code")
)

// User gives the user of a study code. Errors are *study.Error: CodeUnauthorized with the reason and nothing of the code,
// or the store's.
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

// Cookie gives the user of a cookie. A cookie that is a month old is replaced, so that one in use does not expire.
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

// readDevice gives the user of a device, and notes once a day that it was seen.
func (a *Accounts) readDevice(ctx context.Context, id string) (string, error) {
	d, err := a.store.Device(ctx, id)
	if err == nil && time.Since(d.SeenAt) > seenEvery {
		_ = a.store.SeeDevice(ctx, id) // the next day will do
	}
	return d.UserID, refused(err, errNoCookie)
}

// refused is err, or no where nothing was found.
func refused(err error, no *study.Error) error {
	if err == nil || !study.IsCode(err, study.CodeNotFound) {
		return err
	}
	return no
}

// find gives the user of a key, as remembered while nothing of that user's account has changed, or as read.
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
	number, _ := a.version(user) // of whom is known only now, so it is read again: what is remembered was read under its version
	if user, err = read(); err == nil {
		a.known.Add(key, knownUser{user, number, at})
	}
	return user, err
}

const cookiePurpose = "account cookie"

// sign makes the cookie of a device.
func (a *Accounts) sign(ctx context.Context, device uuid.UUID) (string, error) {
	text := binary.BigEndian.AppendUint32(device[:], uint32(time.Now().Unix())) //nolint:gosec // until 2106
	code, err := a.signer.sign(ctx, cookiePurpose, text)
	return base64.RawURLEncoding.EncodeToString(append(text, code...)), err
}

// Create makes an account with an id of its own and returns its study code, which is not kept.
func (a *Accounts) Create(ctx context.Context) (user, code string, err error) {
	user = uuid.NewString()
	code, err = createAccount(ctx, a.store, user)
	return user, code, err
}

func createAccount(ctx context.Context, s AccountStore, user string) (code string, err error) {
	code, hash := newHashedCode()
	return code, s.CreateAccount(ctx, study.Account{UserID: user, CodeHash: hash})
}

// RenewCode gives an account another study code; the one before it opens nothing any more.
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
