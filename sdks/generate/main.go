// Writes the Node.js SDK of a bridged Terraform provider with Pulumi's own generator: the code that `pulumi package add` runs.
//
//	generate <schema.json> <out folder> <version of the published bridge plugin>
package main

import (
	"encoding/json"
	"log"
	"os"
	"path/filepath"

	"github.com/pulumi/pulumi/pkg/v3/codegen/nodejs"
	"github.com/pulumi/pulumi/pkg/v3/codegen/schema"
)

func must[T any](value T, err error) T {
	if err != nil {
		log.Fatal(err)
	}
	return value
}

func main() {
	var spec schema.PackageSpec
	if err := json.Unmarshal(must(os.ReadFile(os.Args[1])), &spec); err != nil {
		log.Fatal(err)
	}
	// A bridge built from modules calls itself 0.0.0-dev, which nobody could download.
	spec.Parameterization.BaseProvider.Version = os.Args[3]
	pkg, diagnostics, err := schema.BindSpec(spec, schema.NewPluginLoader(nil), schema.ValidationOptions{})
	if err != nil || diagnostics.HasErrors() {
		log.Fatal(err, diagnostics)
	}
	for path, content := range must(nodejs.GeneratePackage("pulumi-language-nodejs", pkg, nil, nil, true, nil)) {
		target := filepath.Join(os.Args[2], path)
		if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil {
			log.Fatal(err)
		}
		if err := os.WriteFile(target, content, 0o644); err != nil {
			log.Fatal(err)
		}
	}
}
