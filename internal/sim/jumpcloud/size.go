package jcsim

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Size says how much [Generate] makes. Zero fields with a default take it.
type Size struct {
	Users, Groups, Apps, Admins, CustomRoles int
	// Directories, RADIUSServers, Devices and DeviceGroups are made, with their bindings, after everything else,
	// so that a tenant is otherwise the same with and without them.
	Directories, RADIUSServers, Devices, DeviceGroups int
	// ServiceAccounts are made after these; APIKeys is how many administrators have an API
	// key, and SSHKeys how many users have SSH keys.
	ServiceAccounts, APIKeys, SSHKeys int
	// Memberships is the number of memberships in all: the all-hands group, the
	// dynamic groups and the others together. 0 means about six a user. Fewer than
	// the first two kinds have are raised to that.
	Memberships int
	// AppGroups is the number of associations of applications with groups; 0 means
	// about two an application.
	AppGroups int
	// AppUsers is the number of direct associations with users; 0 means about one
	// to twenty users.
	AppUsers int
	// Expanded, when above 0, replaces AppGroups: groups are associated until about
	// so many pairs of an application and a user come through groups.
	Expanded int
	// Dangling is the number of edges to deleted objects; 0 means a few, a negative
	// number means none.
	Dangling int
	// Ghosts is the number of members that belong to no user; Hidden the number of
	// users, in addition to Users, whom no list contains.
	Ghosts, Hidden int
}

// Small is a tenant to read with the eyes.
func Small() Size {
	return Size{Users: 60, Groups: 14, Apps: 10, Admins: 8, CustomRoles: 2, Directories: 4, RADIUSServers: 2, Devices: 40, DeviceGroups: 4, ServiceAccounts: 4, APIKeys: 4, SSHKeys: 12}
}

// Medium is a mid-size company.
func Medium() Size {
	return Size{Users: 2_000, Groups: 150, Apps: 80, Admins: 30, CustomRoles: 4, Directories: 5, RADIUSServers: 6, Devices: 3_000, DeviceGroups: 30, ServiceAccounts: 12, APIKeys: 12, SSHKeys: 500}
}

// Large is what the connector's budgets are measured with.
func Large() Size {
	return Size{Users: 100_000, Groups: 5_000, Apps: 500, Admins: 100, CustomRoles: 20, Memberships: 2_000_000, Directories: 5, RADIUSServers: 20, Devices: 50_000, DeviceGroups: 500, ServiceAccounts: 40, APIKeys: 40, SSHKeys: 20_000}
}

// numbersOf names the fields of a size as text gives them.
func numbersOf(s *Size) map[string]*int {
	return map[string]*int{
		"users": &s.Users, "groups": &s.Groups, "apps": &s.Apps, "admins": &s.Admins, "roles": &s.CustomRoles,
		"directories": &s.Directories, "radius-servers": &s.RADIUSServers, "devices": &s.Devices, "device-groups": &s.DeviceGroups,
		"service-accounts": &s.ServiceAccounts, "api-keys": &s.APIKeys, "ssh-keys": &s.SSHKeys,
		"memberships": &s.Memberships, "app-groups": &s.AppGroups, "app-users": &s.AppUsers, "expanded": &s.Expanded,
		"dangling": &s.Dangling, "ghosts": &s.Ghosts, "hidden": &s.Hidden,
	}
}

// ParseSize reads a size: small, medium, large, numbers such as "users=500", or
// a name and numbers that change it, divided by commas: "medium,users=500".
// Numbers alone start from zero.
func ParseSize(text string) (Size, error) {
	var s Size
	numbers := numbersOf(&s)
	for i, part := range strings.Split(text, ",") {
		part = strings.TrimSpace(part)
		key, value, isNumber := strings.Cut(part, "=")
		switch {
		case isNumber:
			field, ok := numbers[key]
			n, err := strconv.Atoi(value)
			if !ok || err != nil || (n < 0 && key != "dangling") {
				known := make([]string, 0, len(numbers))
				for name := range numbers {
					known = append(known, name)
				}
				slices.Sort(known)
				return Size{}, fmt.Errorf("size %q: write NAME=NUMBER, where NAME is one of %s", part, strings.Join(known, ", "))
			}
			*field = n
		case i == 0 && part == "small":
			s = Small()
		case i == 0 && part == "medium":
			s = Medium()
		case i == 0 && part == "large":
			s = Large()
		default:
			return Size{}, fmt.Errorf("size %q: write small, medium or large first, then numbers such as users=500", part)
		}
	}
	return s, nil
}

// withDefaults fills in what a size leaves open.
func (s Size) withDefaults() Size {
	if s.Memberships == 0 {
		s.Memberships = 6 * s.Users
	}
	if s.AppGroups == 0 {
		s.AppGroups = 2 * s.Apps
	}
	if s.AppUsers == 0 {
		s.AppUsers = s.Users / 20
	}
	switch {
	case s.Dangling < 0:
		s.Dangling = 0
	case s.Dangling == 0:
		s.Dangling = s.Groups / 5
	}
	return s
}
