// The page of the students: its four places, the account, and what is common to them.
import { beginAccount } from "./account.js";
import { watchBanners } from "./api.js";
import { beginAsk } from "./ask.js";
import { $ } from "./dom.js";
import { beginLibrary } from "./library.js";
import { beginMake } from "./make.js";
import { beginOffline } from "./offline.js";
import { begin } from "./route.js";
import { beginStudy } from "./study.js";
import { fill } from "./words.js";

fill(document);
watchBanners();
$("skip").addEventListener("click", () => document.querySelector("main > section:not([hidden]) h1").focus());
for (const start of [beginStudy, beginMake, beginLibrary, beginAsk, beginAccount]) start();
begin();
document.body.classList.remove("loading");
beginOffline();
