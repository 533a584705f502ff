package cache

// list is a doubly linked list with the links inside its elements, so that inserting, removing and moving an element
// allocate nothing. The zero list is empty.
type list[T any] struct {
	first, last *element[T]
}

// element is an element's position in a list. Its owner is set once by the code that makes the element; an element is
// in at most one list at a time.
type element[T any] struct {
	owner      *T
	prev, next *element[T]
}

func (o *list[T]) pushBack(l *element[T]) { o.insertAfter(o.last, l) }

// insertAfter inserts l after prev, or first if prev is nil.
func (o *list[T]) insertAfter(prev, l *element[T]) {
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

func (o *list[T]) remove(l *element[T]) {
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
