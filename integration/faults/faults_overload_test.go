package faults

// overloadFaults is the overload test as a fault.
var overloadFaults = []fault{{
	id: "E23", what: "4,000 clients send requests at once, and the model takes 2 s", sees: "64 are served, the others get 503 with `Retry-After` at once",
	lost: "nothing", held: "integration/memory.TestOverload",
}}
