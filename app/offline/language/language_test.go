package language

import "testing"

func TestLanguagesAreTold(t *testing.T) {
	for text, want := range map[string]string{
		"Die Zellen werden von einer Membran umgeben. Die Enzyme sind Eiweiße.":                          "German",
		"La fotosíntesis es el proceso por el cual las plantas producen alimento.":                       "Spanish",
		"Les plantes utilisent la lumière du soleil pour la croissance et les fleurs.":                   "French",
		"lecture 3 - enzymes\n- lower activation energy\n- lock + key (Fischer 1894)\n- denature > 45 C": "English",
		"mitosis: division\nmeiosis: halving":                                                            "English",
		"光合作用是植物把光能转化为化学能的过程。":                                                                           "Chinese",
		"光合成は植物が光エネルギーを使う過程です。":                                                                          "Japanese",
		"Фотосинтез — это процесс преобразования энергии света.":                                         "a language in Cyrillic script",
		"": "English",
	} {
		if got := Detect(text).Name; got != want {
			t.Errorf("%q: %s, want %s", text, got, want)
		}
	}
}

func TestNounsAreToldByCapitalsOrArticles(t *testing.T) {
	german, french := Detect("der die das und ist von den mit"), Detect("le la les de des et est un une")
	if !german.IsNoun("Membran", "einer") || german.IsNoun("werden", "Zellen") || german.IsNoun("Während", "") {
		t.Error("German")
	}
	if !french.IsNoun("lumière", "la") || french.IsNoun("utilisent", "plantes") {
		t.Error("French")
	}
}
