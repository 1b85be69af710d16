"""What a schema cannot say of our manifests: `faults(documents)` names all that is against a rule."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tests.packaging.variables import unknown

Document = dict[str, Any]

METADATA = ("169.254.0.0/16", "100.100.100.200/32")
"""Where clouds hand out the node's role."""


def faults(documents: Sequence[Document]) -> list[str]:
    """Give a sentence for each fault of manifests that are applied together."""
    deployment = the(documents, "Deployment")
    pod = deployment["spec"]["template"]
    spec = pod["spec"]
    found = [*_pod(spec), *_variables(spec)]
    for container in [*spec["initContainers"], *spec["containers"]]:
        found += _container(container, spec)
    for container in spec["containers"]:
        found += _probes(container)
    return [*found, *_selectors(documents, deployment), *_network(documents, spec)]


def the(documents: Sequence[Document], kind: str) -> Document:
    """Give the only document of a kind."""
    [found] = [document for document in documents if document["kind"] == kind]
    return found


def of(documents: Sequence[Document], kind: str) -> list[Document]:
    return [document for document in documents if document["kind"] == kind]


def _pod(spec: Document) -> Iterator[str]:
    if spec.get("automountServiceAccountToken") is not False:
        yield "the pod holds a token of the cluster"
    if spec.get("securityContext", {}).get("runAsNonRoot") is not True:
        yield "the pod may run as root"
    if spec.get("securityContext", {}).get("seccompProfile") != {"type": "RuntimeDefault"}:
        yield "the pod may make every system call"
    if spec.get("terminationGracePeriodSeconds", 30) < 20:
        yield "the pod is killed before Purgebot has ended"


def _container(container: Document, spec: Document) -> Iterator[str]:
    name, context = container["name"], container.get("securityContext", {})
    if context.get("readOnlyRootFilesystem") is not True:
        yield f"{name} may write to its root"
    if context.get("allowPrivilegeEscalation") is not False:
        yield f"{name} may gain rights"
    if context.get("capabilities") != {"drop": ["ALL"]}:
        yield f"{name} has capabilities"
    if "memory" not in container.get("resources", {}).get("limits", {}):
        yield f"{name} may take all memory"
    volumes = {volume["name"] for volume in spec.get("volumes", [])}
    for mount in container.get("volumeMounts", []):
        if mount["name"] not in volumes:
            yield f"{name} mounts {mount['name']}, which there is not"
        if "subPath" in mount:
            yield f"{name} would not see a new {mount['name']}"


def _variables(spec: Document) -> Iterator[str]:
    for container in [*spec["initContainers"], *spec["containers"]]:
        for name in unknown(variable["name"] for variable in container.get("env", [])):
            yield f"there is no setting {name}"


def _ports(container: Document) -> dict[str, int]:
    return {port["name"]: port["containerPort"] for port in container.get("ports", [])}


def _probes(container: Document) -> Iterator[str]:
    listens_at = {
        int(variable["value"].rpartition(":")[2])
        for variable in container.get("env", [])
        if variable["name"].endswith("_BIND")
    }
    ports = _ports(container)
    for name, port in ports.items():
        if port not in listens_at:
            yield f"nothing listens at the port {name}"
    for kind, path in {
        "startup": "/healthz",
        "liveness": "/healthz",
        "readiness": "/readyz",
    }.items():
        probe = container.get(f"{kind}Probe", {}).get("httpGet", {})
        if probe.get("path") != path:
            yield f"the {kind} probe does not ask {path}"
        if probe.get("port") not in ports:
            yield f"the {kind} probe asks a port that there is not"


def _selectors(documents: Sequence[Document], deployment: Document) -> Iterator[str]:
    labels = deployment["spec"]["template"]["metadata"]["labels"]
    budget, network = the(documents, "PodDisruptionBudget"), the(documents, "NetworkPolicy")
    selectors = [
        ("Deployment", deployment["spec"]["selector"]["matchLabels"]),
        ("PodDisruptionBudget", budget["spec"]["selector"]["matchLabels"]),
        ("NetworkPolicy", network["spec"]["podSelector"]["matchLabels"]),
        *(("Service", service["spec"]["selector"]) for service in of(documents, "Service")),
    ]
    for kind, selector in selectors:
        if not selector.items() <= labels.items():
            yield f"the {kind} does not select the pods"
    containers = deployment["spec"]["template"]["spec"]["containers"]
    ports = {name for container in containers for name in _ports(container)}
    for service in of(documents, "Service"):
        for port in service["spec"]["ports"]:
            if port["targetPort"] not in ports:
                yield f"the Service leads to the port {port['targetPort']}, which there is not"


def _network(documents: Sequence[Document], spec: Document) -> Iterator[str]:
    policy = the(documents, "NetworkPolicy")["spec"]
    if set(policy["policyTypes"]) != {"Ingress", "Egress"}:
        yield "the NetworkPolicy leaves a direction open"
    let_in = {port["port"] for rule in policy["ingress"] for port in rule.get("ports", [])}
    for name in {name for container in spec["containers"] for name in _ports(container)} - let_in:
        yield f"the NetworkPolicy lets nobody in to the port {name}"
    let_out = {
        port["port"] for rule in policy["egress"] for port in rule.get("ports", [{"port": "all"}])
    }
    if let_out != {53, 443, 5432}:
        yield f"the NetworkPolicy lets out to the ports {let_out}"
    for rule in policy["egress"]:
        for peer in rule["to"]:
            yield from _metadata(peer.get("ipBlock", {}))


def _metadata(block: Mapping[str, Any]) -> Iterator[str]:
    if block.get("cidr") == "0.0.0.0/0":
        for address in set(METADATA) - set(block.get("except", [])):
            yield f"the NetworkPolicy lets out to {address}"
