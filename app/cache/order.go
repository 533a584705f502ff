package cache

// order is a doubly linked list whose links lie inside its elements, so that
// joining, leaving and moving to the end allocate nothing. The zero order is empty.
type order[T any] struct {
	first, last *link[T]
}

// link is an element's place in one order. Its owner is set once by whoever makes
// the element; an element is in at most one order at a time.
type link[T any] struct {
	owner      *T
	prev, next *link[T]
}

func (o *order[T]) append(l *link[T]) {
	l.prev, l.next = o.last, nil
	if o.last == nil {
		o.first = l
	} else {
		o.last.next = l
	}
	o.last = l
}

func (o *order[T]) remove(l *link[T]) {
	if l.prev == nil {
		o.first = l.next
	} else {
		l.prev.next = l.next
	}
	if l.next == nil {
		o.last = l.prev
	} else {
		l.next.prev = l.prev
	}
	l.prev, l.next = nil, nil
}
