package strictyaml

import "slices"

// maxHint is the longest word that a hint is sought for: the search takes the
// product of both lengths.
const maxHint = 64

// Hint gives `, did you mean "x"?` for the nearest of the known words, or
// nothing where none is near: at most one slip in three letters.
func Hint(word string, known []string) string {
	if best := Nearest(word, known); best != "" {
		return `, did you mean "` + best + `"?`
	}
	return ""
}

// Nearest gives the known word that is nearest to word, or the empty string.
// Of two that are equally near, the first in alphabetical order.
func Nearest(word string, known []string) string {
	if len(word) > maxHint || word == "" {
		return ""
	}
	sorted := slices.Sorted(slices.Values(known))
	best, least := "", len(word)/3+2
	for _, k := range sorted {
		if len(k) > maxHint {
			continue
		}
		if d := Distance(word, k); d < least {
			best, least = k, d
		}
	}
	return best
}

// Distance is the number of letters to insert, delete, replace or swap with
// their neighbour to turn a into b (bytes).
func Distance(a, b string) int {
	before, prev, cur := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range prev {
		prev[j] = j
	}
	for i := 1; i <= len(a); i++ {
		cur[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			cur[j] = min(prev[j]+1, cur[j-1]+1, prev[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				cur[j] = min(cur[j], before[j-2]+1)
			}
		}
		before, prev, cur = prev, cur, before
	}
	return prev[len(b)]
}
