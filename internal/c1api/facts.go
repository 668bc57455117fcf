package c1api

import (
	"cmp"
	"context"
	"runtime"
	"runtime/debug"

	"github.com/shirou/gopsutil/v4/host"

	pb "github.com/conductorone/baton-jumpcloud/internal/pb/c1/connectorapi/baton/v1"
)

// Facts are what a process tells ConductorOne about itself. No text in them is
// empty.
type Facts struct {
	Build *pb.BatonServiceHelloRequest_BuildInfo
	OS    *pb.BatonServiceHelloRequest_OSInfo
}

// GatherFacts asks the running binary and the system that it runs on. What
// either does not know is filled in.
func GatherFacts(ctx context.Context) Facts {
	info, err := host.InfoWithContext(ctx)
	if err != nil || info == nil {
		info = &host.InfoStat{} // A minimal container has no facts; the defaults are the answer then.
	}
	build, _ := debug.ReadBuildInfo()
	return Facts{Build: buildInfo(build), OS: osInfo(info)}
}

func osInfo(info *host.InfoStat) *pb.BatonServiceHelloRequest_OSInfo {
	system := cmp.Or(info.OS, runtime.GOOS)
	platform := cmp.Or(info.Platform, system)
	kernel := cmp.Or(info.KernelVersion, "unknown")
	return &pb.BatonServiceHelloRequest_OSInfo{
		Hostname:             cmp.Or(info.Hostname, "unknown"),
		Os:                   system,
		Platform:             platform,
		PlatformVersion:      cmp.Or(info.PlatformVersion, kernel),
		PlatformFamily:       cmp.Or(info.PlatformFamily, platform),
		KernelVersion:        kernel,
		KernelArch:           cmp.Or(info.KernelArch, runtime.GOARCH),
		VirtualizationSystem: cmp.Or(info.VirtualizationSystem, "none"),
	}
}

func buildInfo(build *debug.BuildInfo) *pb.BatonServiceHelloRequest_BuildInfo {
	if build == nil {
		build = &debug.BuildInfo{}
	}
	return &pb.BatonServiceHelloRequest_BuildInfo{
		LangVersion:    cmp.Or(build.GoVersion, "0.0.0"),
		Package:        cmp.Or(build.Main.Path, "/dummy/path"),
		PackageVersion: cmp.Or(build.Main.Version, "0.0.0"),
	}
}
