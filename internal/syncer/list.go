package syncer

// String names the list in messages: "users", "group members (group 5f1a)".
func (l List) String() string {
	if l.Owner == (Ref{}) {
		return l.Kind
	}
	return l.Kind + " (" + l.Owner.String() + ")"
}

// String names the resource in messages: "group 5f1a".
func (r Ref) String() string { return r.Type + " " + r.ID }
