// The service worker: it caches the page and its version's files, and serves them when the network does not. It caches no response of the
// API.

const name = "page {version}", own = "/assets/{version}/";
// The modules of the page, including those of places that were not opened yet. KaTeX is cached once it was needed.
const modules = "account aids api ask attempts cards desk dialog dom due edit entries files formula growing inline itemform language library make markdown " +
	"material note offline options outbox print questions quiz review route run save source stream study suspended warnings words";
const patience = 5000; // ms until the cached page is shown if the network does not respond

addEventListener("install", (e) => e.waitUntil(install()));
addEventListener("activate", (e) => e.waitUntil(activate()));
addEventListener("fetch", (e) => {
	const { origin, pathname } = new URL(e.request.url);
	if (e.request.method !== "GET" || origin !== location.origin) return;
	if (e.request.mode === "navigate" && pathname === "/") e.respondWith(page(e.request));
	else if (pathname.startsWith(own)) e.respondWith(asset(e.request));
});

async function install() {
	const shell = await fetch("/", { headers: { Accept: "text/html" }, cache: "no-cache" });
	const named = (await shell.clone().text()).match(/\/assets\/[0-9a-f]+\/[\w.-]+/g) ?? [];
	if (!shell.ok || !named.length || !named.every((file) => file.startsWith(own))) throw new Error("the page is of another release");
	const cache = await caches.open(name), files = new Set([...named, ...modules.split(" ").map((module) => `${own}${module}.js`)]);
	await Promise.all([...files].map((file) => fetchAsset(cache, file)));
	if ((await cache.keys()).length < files.size) throw new Error("a file is of another release");
	await cache.put("/", shell);
	await skipWaiting();
}

async function activate() {
	for (const other of await caches.keys()) if (other.startsWith("page ") && other !== name) await caches.delete(other);
	await clients.claim();
}

const stored = (request) => caches.match(request, { cacheName: name, ignoreVary: true });

async function page(request) {
	const kept = await stored("/"), asked = fetch(request);
	if (!kept) return asked;
	const answer = asked.then((a) => a.status < 500 ? a : kept, () => kept);
	return Promise.race([answer, new Promise((done) => setTimeout(done, patience, kept))]);
}

async function asset(request) {
	return await stored(request) ?? fetchAsset(await caches.open(name), request);
}

// fetchAsset caches a file that never changes. It does not cache a file that another release sends for this version.
async function fetchAsset(cache, request) {
	const answer = await fetch(request);
	if (answer.ok && answer.headers.get("Cache-Control")?.includes("immutable")) await cache.put(request, answer.clone());
	return answer;
}
