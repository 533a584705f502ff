// Installing the service worker, which stores the page and its files for offline use.

const version = new URL(import.meta.url).pathname.split("/")[2];
const own = new URL("./", import.meta.url).href;

// beginOffline does nothing if service workers are not available, for example over plain http on a network.
export async function beginOffline() {
	try {
		const address = "/sw.js", policy = globalThis.trustedTypes?.createPolicy("worker", { createScriptURL: () => address });
		await navigator.serviceWorker.register(policy?.createScriptURL(address) ?? address);
		await navigator.serviceWorker.ready;
		await keepLoaded();
	} catch { /* the page works with the network only */ }
}

// keepLoaded caches what this visit loaded before the worker was installed: the words, and KaTeX if there was a formula.
async function keepLoaded() {
	const name = `page ${version}`;
	if (!await caches.has(name)) return; // the worker belongs to another release
	const cache = await caches.open(name), kept = new Set((await cache.keys()).map((k) => k.url));
	const loaded = performance.getEntriesByType("resource").map((e) => e.name).filter((url) => url.startsWith(own) && !kept.has(url));
	await cache.addAll([...new Set(loaded)]);
}
