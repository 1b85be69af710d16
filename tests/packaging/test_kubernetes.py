"""The manifests are what Kubernetes takes, and keep the rules that its schemas cannot know."""

from __future__ import annotations

import copy
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from bot.config.policy_file import load_policy
from tests.packaging.kubernetes_rules import Document, faults, the
from tests.packaging.variables import ROOT, unknown

HOME = ROOT / "deploy" / "kubernetes"
MANIFESTS = [
    path
    for path in sorted(HOME.rglob("*.yaml"))
    if path.name not in {"kustomization.yaml", "policy.yaml", "deployment.patch.yaml"}
]
RELEASES = ["1.30", kubernetes_validate.latest_version()]


def documents_of(path: Path) -> list[Document]:
    return list(yaml.safe_load_all(path.read_text()))


@pytest.fixture(scope="session", params=["base", "http"])
def rendered(request: pytest.FixtureRequest) -> list[Document]:
    """What `kubectl apply -k` would send."""
    if shutil.which("kubectl") is None:
        pytest.skip("kubectl is not here, so the kustomizations cannot be rendered")
    done = subprocess.run(
        ["kubectl", "kustomize", HOME / request.param], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return list(yaml.safe_load_all(done.stdout))


@pytest.fixture
def base() -> list[Document]:
    """The base as it is written, which takes no kubectl."""
    kustomization = yaml.safe_load((HOME / "base" / "kustomization.yaml").read_text())
    return [
        document
        for name in kustomization["resources"]
        for document in documents_of(HOME / "base" / name)
    ]


@pytest.mark.parametrize("release", RELEASES)
@pytest.mark.parametrize("path", MANIFESTS, ids=lambda path: str(path.relative_to(HOME)))
def test_a_manifest_is_what_kubernetes_takes(path: Path, release: str) -> None:
    for document in documents_of(path):
        kubernetes_validate.validate(document, release, strict=True)


@pytest.mark.parametrize("release", RELEASES)
def test_a_manifest_with_a_slip_of_the_pen_is_not(base: list[Document], release: str) -> None:
    deployment = the(base, "Deployment")
    deployment["spec"]["template"]["spec"]["hostnetwork"] = False
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(deployment, release, strict=True)


def test_the_base_keeps_the_rules(base: list[Document]) -> None:
    assert faults(base) == []


def test_what_is_applied_is_valid_and_keeps_the_rules(rendered: list[Document]) -> None:
    assert faults(rendered) == []
    for document in rendered:
        kubernetes_validate.validate(document, RELEASES[-1], strict=True)


def test_the_policy_that_comes_with_it_is_one(rendered: list[Document]) -> None:
    files = the(rendered, "ConfigMap")["data"]
    assert files.keys() == {"policy.yaml"}
    load_policy(files["policy.yaml"], "policy.yaml")


def test_an_update_takes_no_replica_away_before_another_is_ready(base: list[Document]) -> None:
    deployment = the(base, "Deployment")["spec"]
    assert deployment["replicas"] > 1
    assert deployment["strategy"]["rollingUpdate"]["maxUnavailable"] == 0


def test_the_secrets_are_named_but_not_given() -> None:
    [secret] = documents_of(HOME / "secret.example.yaml")
    assert set(secret["stringData"].values()) == {""}
    assert unknown(secret["stringData"]) == []


def pod(documents: list[Document]) -> Any:
    return the(documents, "Deployment")["spec"]["template"]["spec"]


def bot(documents: list[Document]) -> Any:
    return pod(documents)["containers"][0]


def network(documents: list[Document]) -> Any:
    return the(documents, "NetworkPolicy")["spec"]


BROKEN: dict[str, tuple[Callable[[list[Document]], Any], str]] = {
    "root": (lambda d: pod(d)["securityContext"].pop("runAsNonRoot"), "may run as root"),
    "seccomp": (lambda d: pod(d)["securityContext"].pop("seccompProfile"), "every system call"),
    "token": (lambda d: pod(d).pop("automountServiceAccountToken"), "token of the cluster"),
    "too short": (lambda d: pod(d).update(terminationGracePeriodSeconds=5), "killed before"),
    "writable": (lambda d: bot(d)["securityContext"].pop("readOnlyRootFilesystem"), "may write"),
    "writable while migrating": (
        lambda d: pod(d)["initContainers"][0]["securityContext"].pop("readOnlyRootFilesystem"),
        "migrate may write",
    ),
    "setuid": (lambda d: bot(d)["securityContext"].pop("allowPrivilegeEscalation"), "gain rights"),
    "capabilities": (lambda d: bot(d)["securityContext"].pop("capabilities"), "has capabilities"),
    "memory": (lambda d: bot(d)["resources"].pop("limits"), "all memory"),
    "one file": (lambda d: bot(d)["volumeMounts"][0].update(subPath="p"), "not see a new policy"),
    "no volume": (lambda d: pod(d).pop("volumes"), "mounts policy, which there is not"),
    "setting": (
        lambda d: bot(d)["env"][0].update(name="PURGEBOT_POLICE"),
        "no setting PURGEBOT_POLI",
    ),
    "address": (lambda d: bot(d)["env"][1].update(value="0.0.0.0:9091"), "nothing listens"),
    "no ports": (lambda d: bot(d).pop("ports"), "a port that there is not"),
    "no probe": (lambda d: bot(d).pop("livenessProbe"), "the liveness probe does not ask"),
    "killed while Slack is away": (
        lambda d: bot(d)["livenessProbe"]["httpGet"].update(path="/readyz"),
        "the liveness probe does not ask /healthz",
    ),
    "budget for others": (
        lambda d: the(d, "PodDisruptionBudget")["spec"]["selector"].update(
            matchLabels={"app.kubernetes.io/name": "purgebots"}
        ),
        "the PodDisruptionBudget does not select the pods",
    ),
    "network of others": (
        lambda d: network(d)["podSelector"].update(matchLabels={"app": "purgebot"}),
        "the NetworkPolicy does not select the pods",
    ),
    "no way in": (lambda d: network(d)["ingress"].clear(), "lets nobody in to the port status"),
    "every way out": (lambda d: network(d).update(policyTypes=["Ingress"]), "a direction open"),
    "another way out": (
        lambda d: network(d)["egress"][1]["ports"].append({"port": 22}),
        "lets out to the ports",
    ),
    "any port": (lambda d: network(d)["egress"][1].pop("ports"), "lets out to the ports"),
    "metadata": (
        lambda d: network(d)["egress"][1]["to"][0]["ipBlock"]["except"].pop(),
        "lets out to 100.100.100.200/32",
    ),
}


@pytest.mark.parametrize(("break_it", "fault"), BROKEN.values(), ids=BROKEN)
def test_whatever_breaks_a_rule_is_named(
    base: list[Document], break_it: Callable[[list[Document]], Any], fault: str
) -> None:
    broken = copy.deepcopy(base)
    break_it(broken)
    assert fault in "\n".join(faults(broken))
