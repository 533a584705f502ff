// The page of the students: its four places and what is common to them.
import { watchBanners } from "./api.js";
import { beginAsk } from "./ask.js";
import { $ } from "./dom.js";
import { beginLibrary } from "./library.js";
import { beginMake } from "./make.js";
import { begin } from "./route.js";
import { beginStudy } from "./study.js";
import { fill } from "./words.js";

fill(document);
watchBanners();
$("skip").addEventListener("click", () => document.querySelector("main > section:not([hidden]) h1").focus());
for (const start of [beginStudy, beginMake, beginLibrary, beginAsk]) start();
begin();
document.body.classList.remove("loading");
