// Installing the service worker, which keeps the page and its files for times without the network.

const version = new URL(import.meta.url).pathname.split("/")[2];
const own = new URL("./", import.meta.url).href;

// beginOffline does nothing where the browser has no service workers: with plain http on a network, for one.
export async function beginOffline() {
	try {
		const address = "/sw.js", policy = globalThis.trustedTypes?.createPolicy("worker", { createScriptURL: () => address });
		await navigator.serviceWorker.register(policy?.createScriptURL(address) ?? address);
		await navigator.serviceWorker.ready;
		await keepLoaded();
	} catch { /* the page works with the network only */ }
}

// keepLoaded adds what this visit has loaded before the worker was there: the words, and KaTeX where there was a formula.
async function keepLoaded() {
	const name = `page ${version}`;
	if (!await caches.has(name)) return; // the worker is of another release
	const cache = await caches.open(name), kept = new Set((await cache.keys()).map((k) => k.url));
	const loaded = performance.getEntriesByType("resource").map((e) => e.name).filter((url) => url.startsWith(own) && !kept.has(url));
	await cache.addAll([...new Set(loaded)]);
}
