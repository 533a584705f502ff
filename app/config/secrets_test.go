package config

import "testing"

func TestASecretThatIsEasyToGuessIsRefusedInProduction(t *testing.T) {
	for secret, guessable := range map[string]bool{
		"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa":         true,
		"abababababababababababababababab":         true,
		"abcdefgabcdefgabcdefgabcdefgabcdefg":      true,
		"passwordpasswordpasswordpassword":         true,
		"Password-Password-2024-Password!":         true,
		"changeme-changeme-changeme-changeme":      true,
		"admin-token-admin-token-secret-1":         true,
		"please-change-this-secret-token!!":        true,
		"12345678901234567890123456789012":         true,
		"studysharper-production-secret-00":        true,
		"qwertyuiopqwertyuiop1234567890123":        true,
		"Summer2024Summer2024":                     true,
		"abcdefghijklmnopqrst":                     true,
		"zyxwvutsrqponmlkjihgfedcba`_^]\\[ZYX":     true,
		"3f9c1be07a5d42c88e6b0f1d2a7c94e5b6":       false,
		"correct-horse-battery-staple-of-mine":     false,
		"q7Zt!m2Kx9#Vb4Lp8@Wn3Rc6$Yd5Hf1Gs":        false,
		"0123456789abcdef0123456789abcdef":         false,
		"ein-langer-satz-aus-einem-alten-roman-ja": false,
	} {
		for _, setting := range []string{"ADMIN_TOKEN", "JWT_SECRET"} {
			settings := map[string]string{"ENVIRONMENT": "production", "ADMIN_TOKEN": "0123456789abcdef"}
			settings[setting] = secret
			if _, err := Load(settings); (err != nil) != guessable {
				t.Errorf("%s=%s: %v", setting, secret, err)
			}
			settings["ENVIRONMENT"] = "development"
			if _, err := Load(settings); err != nil {
				t.Errorf("%s=%s in development: %v", setting, secret, err)
			}
		}
	}
}
