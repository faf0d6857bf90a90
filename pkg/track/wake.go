package track

// wakeHeap holds items by the instant at which the clock must look at them;
// among equal instants the key decides, so the order is a function of the log.
type wakeHeap []*itemState

func (h wakeHeap) less(i, j int) bool {
	if h[i].wake != h[j].wake {
		return h[i].wake < h[j].wake
	}
	return h[i].key < h[j].key
}

func (h wakeHeap) swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].index, h[j].index = i, j
}

// set puts an item in at an instant, or moves it there.
func (h *wakeHeap) set(st *itemState, wake int64) {
	st.wake = wake
	if st.index < 0 {
		st.index = len(*h)
		*h = append(*h, st)
	}
	h.up(st.index)
	h.down(st.index)
}

func (h *wakeHeap) pop() *itemState {
	top := (*h)[0]
	h.remove(top)
	return top
}

func (h *wakeHeap) remove(st *itemState) {
	i := st.index
	if i < 0 {
		return
	}
	last := len(*h) - 1
	h.swap(i, last)
	(*h)[last] = nil
	*h = (*h)[:last]
	st.index = -1
	if i < last {
		moved := (*h)[i]
		h.up(moved.index)
		h.down(moved.index)
	}
}

func (h wakeHeap) up(i int) {
	for i > 0 {
		p := (i - 1) / 2
		if !h.less(i, p) {
			return
		}
		h.swap(i, p)
		i = p
	}
}

func (h wakeHeap) down(i int) {
	for {
		c := 2*i + 1
		if c >= len(h) {
			return
		}
		if c+1 < len(h) && h.less(c+1, c) {
			c++
		}
		if !h.less(c, i) {
			return
		}
		h.swap(i, c)
		i = c
	}
}
