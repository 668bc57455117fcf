package connector

import (
	"fmt"
	"testing"

	"github.com/conductorone/baton-jumpcloud/internal/jumpcloud"
	"github.com/conductorone/baton-jumpcloud/internal/restype"
	"github.com/conductorone/baton-jumpcloud/internal/syncer"
)

func BenchmarkMapUsers(b *testing.B) {
	user, now := fullUser(), testNow()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := userResource(user, now); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "users/s")
}

func BenchmarkMapMembers(b *testing.B) {
	page := make([]jumpcloud.Connection, 100)
	for i := range page {
		page[i] = jumpcloud.Connection{Type: jumpcloud.TypeUser, ID: fmt.Sprintf("64b000000000000000%06d", i)}
	}
	for _, dynamic := range []bool{false, true} {
		b.Run(fmt.Sprintf("dynamic=%v", dynamic), func(b *testing.B) {
			b.ReportAllocs()
			list := kind{collection: map[bool]collection{true: dynamicMembers, false: members}[dynamic]}
			for b.Loop() {
				if grants, _ := memberGrants(list, syncer.Ref{Type: restype.Group, ID: "65a000000000000000000010"}, page); len(grants) != len(page) {
					b.Fatal("grants are missing")
				}
			}
			b.ReportMetric(float64(b.N*len(page))/b.Elapsed().Seconds(), "members/s")
		})
	}
}
