// SPDX-License-Identifier: Apache-2.0

// render CHART [VALUES...] renders a chart as `helm template` does, for Helm itself is in no Debian package: values files over
// values.yaml, numbers as Helm has them, its functions and objects. Prints {"values", "manifests": [{"path", "text"}], "notes"}.
// What Helm would refuse ends in a message and exit code 1; the schema of the values is left to whoever reads them here.
// RELEASE, NAMESPACE and KUBERNETES say what is installed under which name, where, on what version.
package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"sort"
	"strings"
	"text/template"

	"github.com/Masterminds/semver"
	"github.com/Masterminds/sprig"
	"github.com/ghodss/yaml"
)

type values = map[string]interface{}

// The fields of Chart.yaml that templates may use: another one is an error there as in Helm.
type metadata struct {
	APIVersion  string            `json:"apiVersion"`
	Name        string            `json:"name"`
	Version     string            `json:"version"`
	AppVersion  string            `json:"appVersion"`
	Description string            `json:"description"`
	Type        string            `json:"type"`
	KubeVersion string            `json:"kubeVersion"`
	Home        string            `json:"home"`
	Icon        string            `json:"icon"`
	Keywords    []string          `json:"keywords"`
	Sources     []string          `json:"sources"`
	Annotations map[string]string `json:"annotations"`
}

type files map[string][]byte

func (f files) Get(name string) string      { return string(f[name]) }
func (f files) GetBytes(name string) []byte { return f[name] }
func (f files) Lines(name string) []string  { return strings.Split(string(f[name]), "\n") }
func (f files) Glob(pattern string) files {
	found := files{}
	for name, content := range f {
		if ok, _ := path.Match(pattern, name); ok {
			found[name] = content
		}
	}
	return found
}

type versions []string

func (v versions) Has(name string) bool {
	for _, each := range v {
		if each == name {
			return true
		}
	}
	return false
}

type manifest struct {
	Path string `json:"path"`
	Text string `json:"text"`
}

func main() {
	if len(os.Args) < 2 {
		fmt.Fprintln(os.Stderr, "usage: render CHART [VALUES...]")
		os.Exit(2)
	}
	if err := render(os.Args[1], os.Args[2:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func render(folder string, overrides []string) error {
	content, err := load(folder)
	if err != nil {
		return err
	}
	var chart metadata
	if err := yaml.UnmarshalStrict(content["Chart.yaml"], &chart, yaml.DisallowUnknownFields); err != nil {
		return fmt.Errorf("Chart.yaml: %w", err)
	}
	kubernetes := setting("KUBERNETES", "1.32.0")
	if err := checkChart(chart, kubernetes); err != nil {
		return err
	}
	merged, err := mergeValues(content["values.yaml"], overrides)
	if err != nil {
		return err
	}
	top := values{
		"Values":  merged,
		"Chart":   chart,
		"Release": values{"Name": setting("RELEASE", "shop"), "Namespace": setting("NAMESPACE", "default"), "Service": "Helm", "Revision": 1, "IsInstall": true, "IsUpgrade": false},
		"Files":   others(content),
		"Capabilities": values{
			"KubeVersion": values{"Version": "v" + kubernetes, "Major": "1", "Minor": strings.Split(kubernetes, ".")[1]},
			"APIVersions": versions{"v1", "apps/v1", "batch/v1", "policy/v1", "networking.k8s.io/v1"},
		},
		"Subcharts": values{},
	}
	manifests, notes, err := execute(chart, content, top)
	if err != nil {
		return err
	}
	encoder := json.NewEncoder(os.Stdout)
	encoder.SetEscapeHTML(false)
	return encoder.Encode(values{"values": merged, "manifests": manifests, "notes": notes})
}

func setting(name, otherwise string) string {
	if value := os.Getenv(name); value != "" {
		return value
	}
	return otherwise
}

// load reads the chart's files, follows links as Helm does, and leaves out what .helmignore names.
func load(folder string) (files, error) {
	content := files{}
	ignored, _ := os.ReadFile(filepath.Join(folder, ".helmignore"))
	err := filepath.Walk(folder, func(place string, info os.FileInfo, err error) error {
		if err != nil || info.IsDir() {
			return err
		}
		name, _ := filepath.Rel(folder, place)
		for _, line := range strings.Fields(string(ignored)) {
			if strings.HasSuffix(line, "/") && strings.HasPrefix(name, line) || name == line {
				return nil
			}
		}
		content[filepath.ToSlash(name)], err = os.ReadFile(place)
		return err
	})
	return content, err
}

func others(content files) files {
	found := files{}
	for name, bytes := range content {
		if !strings.HasPrefix(name, "templates/") && name != "Chart.yaml" && name != "values.yaml" && name != "values.schema.json" {
			found[name] = bytes
		}
	}
	return found
}

func checkChart(chart metadata, kubernetes string) error {
	if chart.APIVersion != "v2" || chart.Name == "" || (chart.Type != "" && chart.Type != "application") {
		return errors.New("Chart.yaml: apiVersion, name or type is not what an application's chart has")
	}
	if _, err := semver.StrictNewVersion(chart.Version); err != nil {
		return fmt.Errorf("Chart.yaml: version %q: %w", chart.Version, err)
	}
	if chart.KubeVersion == "" {
		return nil
	}
	wanted, err := semver.NewConstraint(chart.KubeVersion)
	if err != nil {
		return fmt.Errorf("Chart.yaml: kubeVersion: %w", err)
	}
	version, err := semver.NewVersion(kubernetes)
	if err != nil {
		return err
	}
	if !wanted.Check(version) {
		return fmt.Errorf("chart requires kubeVersion: %s which is incompatible with Kubernetes v%s", chart.KubeVersion, kubernetes)
	}
	return nil
}

// Of YAML Helm makes JSON first: every number is a float64 in the templates.
func mergeValues(defaults []byte, overrides []string) (values, error) {
	merged := values{}
	if err := yaml.Unmarshal(defaults, &merged); err != nil {
		return nil, fmt.Errorf("values.yaml: %w", err)
	}
	for _, name := range overrides {
		text, err := os.ReadFile(name)
		if err != nil {
			return nil, err
		}
		own := values{}
		if err := yaml.Unmarshal(text, &own); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		merge(merged, own)
	}
	return merged, nil
}

// A null takes a default away.
func merge(into, from values) {
	for name, value := range from {
		own, isMap := value.(values)
		old, wasMap := into[name].(values)
		switch {
		case value == nil:
			delete(into, name)
		case isMap && wasMap:
			merge(old, own)
		default:
			into[name] = value
		}
	}
}

func execute(chart metadata, content files, top values) ([]manifest, string, error) {
	all := template.New("gotpl").Option("missingkey=zero")
	all.Funcs(functions(all))
	var names []string
	for name, text := range content {
		if !strings.HasPrefix(name, "templates/") {
			continue
		}
		if _, err := all.New(path.Join(chart.Name, name)).Parse(string(text)); err != nil {
			return nil, "", err
		}
		if !strings.HasPrefix(path.Base(name), "_") {
			names = append(names, name)
		}
	}
	sort.Strings(names)
	manifests, notes := []manifest{}, ""
	for _, name := range names {
		top["Template"] = values{"Name": path.Join(chart.Name, name), "BasePath": path.Join(chart.Name, "templates")}
		var out bytes.Buffer
		if err := all.ExecuteTemplate(&out, path.Join(chart.Name, name), top); err != nil {
			return nil, "", err
		}
		text := strings.ReplaceAll(out.String(), "<no value>", "")
		if path.Base(name) == "NOTES.txt" {
			notes = text
		} else if strings.TrimSpace(text) != "" {
			manifests = append(manifests, manifest{name, text})
		}
	}
	return manifests, notes, nil
}

func functions(all *template.Template) template.FuncMap {
	known := sprig.TxtFuncMap()
	delete(known, "env")
	delete(known, "expandenv")
	known["include"] = func(name string, data interface{}) (string, error) {
		var out strings.Builder
		err := all.ExecuteTemplate(&out, name, data)
		return out.String(), err
	}
	known["tpl"] = func(text string, data interface{}) (string, error) {
		inner, err := all.Clone()
		if err != nil {
			return "", err
		}
		inner.Funcs(functions(inner))
		if inner, err = inner.New("tpl").Parse(text); err != nil {
			return "", err
		}
		var out strings.Builder
		err = inner.Execute(&out, data)
		return strings.ReplaceAll(out.String(), "<no value>", ""), err
	}
	known["required"] = func(message string, value interface{}) (interface{}, error) {
		if text, isText := value.(string); value == nil || isText && text == "" {
			return value, errors.New(message)
		}
		return value, nil
	}
	known["fail"] = func(message string) (string, error) { return "", errors.New(message) }
	known["lookup"] = func(string, string, string, string) values { return values{} }
	known["toYaml"] = func(value interface{}) (string, error) {
		text, err := yaml.Marshal(value)
		return strings.TrimSuffix(string(text), "\n"), err
	}
	known["fromYaml"] = func(text string) values {
		read := values{}
		if err := yaml.Unmarshal([]byte(text), &read); err != nil {
			read["Error"] = err.Error()
		}
		return read
	}
	return known
}
