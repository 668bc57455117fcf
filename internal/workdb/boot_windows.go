package workdb

import (
	"strconv"

	"golang.org/x/sys/windows/registry"
)

// bootID tells one run of the machine from another: the number that Windows counts up
// at each start. It is empty where that cannot be read.
func bootID() string {
	key, err := registry.OpenKey(registry.LOCAL_MACHINE,
		`SYSTEM\CurrentControlSet\Control\Session Manager\Memory Management\PrefetchParameters`, registry.QUERY_VALUE)
	if err != nil {
		return ""
	}
	defer key.Close()
	id, _, err := key.GetIntegerValue("BootId")
	if err != nil {
		return ""
	}
	return strconv.FormatUint(id, 10)
}
