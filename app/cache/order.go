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

func (o *order[T]) append(l *link[T]) { o.insert(o.last, l) }

// insert puts l behind prev, or first when that is nil.
func (o *order[T]) insert(prev, l *link[T]) {
	next := o.first
	if prev != nil {
		next = prev.next
		prev.next = l
	} else {
		o.first = l
	}
	if next != nil {
		next.prev = l
	} else {
		o.last = l
	}
	l.prev, l.next = prev, next
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
