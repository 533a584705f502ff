// A stand-in for the part of React that the guide's hook uses: useState, useEffect and
// useRef of one component, and createElement, which makes real elements at once. It is not
// React: it proves that the hook keeps to these functions' rules (the same hooks in the same
// order, updates by function, clean-up at the end), not how React schedules them.
let hooks = [], at = 0, again = () => {};

function hook(make) {
	if (at === hooks.length) {
		if (sealed) throw new Error("more hooks than at first");
		hooks.push(make());
	}
	return hooks[at++];
}
let sealed = false;

export function useState(initial) {
	const h = hook(() => {
		const self = { value: initial, set: (next) => {
			if (!hooks.includes(self)) throw new Error("state is set after the component is gone");
			self.value = typeof next === "function" ? next(self.value) : next;
			again();
		} };
		return self;
	});
	return [h.value, h.set];
}

export function useRef(initial) {
	return hook(() => ({ current: initial }));
}

export function useEffect(effect, dependencies) {
	if (dependencies?.length !== 0) throw new Error("the stand-in knows effects of mounting only");
	hook(() => ({ cleanUp: effect() }));
}

export function createElement(tag, props, ...children) {
	const element = document.createElement(tag);
	for (const [name, value] of Object.entries(props ?? {})) {
		if (name === "onClick") element.addEventListener("click", value);
		else if (name === "disabled") element.disabled = value;
		else if (name !== "key") element.setAttribute(name, value);
	}
	element.append(...children.flat().filter((c) => c !== null && c !== undefined && c !== false));
	return element;
}

// mount shows a component in root and returns how to unmount it.
export function mount(component, props, root) {
	again = () => {
		at = 0;
		root.replaceChildren(component(props));
		if (at !== hooks.length) throw new Error("fewer hooks than at first");
		sealed = true;
	};
	again();
	return () => {
		const gone = hooks;
		hooks = [];
		sealed = false;
		root.replaceChildren();
		for (const h of gone) h.cleanUp?.();
	};
}
