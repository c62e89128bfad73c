"""What runs the app for others: container, compose file, Kubernetes, Space. Read here as text; nothing is built."""

import json
import re
import subprocess
from pathlib import Path

import yaml

from ui.serving import PUBLIC_LIMITS

ROOT = Path(__file__).resolve().parents[1]
DOCKERFILE = (ROOT / "Dockerfile").read_text()
PORT = 8501


def instructions(name: str) -> list[str]:
    """What follows each instruction of that name, with its continued lines as one."""
    lines = re.sub(r"\\\n\s*", "", DOCKERFILE).splitlines()
    return [line.partition(" ")[2].strip() for line in lines if line.startswith(f"{name} ")]


def test_the_image_runs_as_a_numbered_user_and_listens_where_it_is_looked_for():
    """By number: Kubernetes' runAsNonRoot cannot tell what a name is."""
    assert instructions("USER") == ["1000"]
    assert instructions("EXPOSE") == [str(PORT)]
    (command,), (health,) = instructions("CMD"), instructions("HEALTHCHECK")
    assert f"--server.port={PORT}" in json.loads(command)
    assert f"127.0.0.1:{PORT}/_stcore/health" in health


def test_the_image_takes_no_larger_upload_than_a_stranger_may_give():
    """Streamlit counts in 2**20 bytes, and refuses before anything is held in memory."""
    (command,) = instructions("CMD")
    (allowed,) = (int(each.partition("=")[2]) for each in json.loads(command) if "maxUploadSize" in each)
    assert PUBLIC_LIMITS.streamed_bytes <= allowed * 2**20 < 1.1 * PUBLIC_LIMITS.streamed_bytes


def test_the_image_gets_all_that_the_app_is_made_of():
    kept = [line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")]
    assert {"app.py", "pages", "ui", "nsr_core", "checkpoints", ".streamlit", "requirements.lock"} <= set(kept)
    assert all((ROOT / name).exists() for name in kept)


def test_with_a_cpu_build_of_pytorch_all_else_of_the_lock_is_installed_as_it_is_there():
    """The commands of the Dockerfile that take PyTorch, and what it needs for CUDA, out of the lock."""
    (choose, pick) = (re.search(rf"{name} '(.*?)' /requirements", DOCKERFILE).group(1) for name in ("awk", "sed -n"))

    def done(*command):
        return subprocess.run([*command, ROOT / "requirements.lock"], check=True, capture_output=True, text=True).stdout

    locked, kept = (set(re.findall(r"(?m)^[A-Za-z0-9]\S*", text)) for text in (done("cat"), done("awk", choose)))
    without = {package for package in locked if re.match(r"torch==|triton==|nvidia-|cuda-", package)}
    assert kept == locked - without
    assert [done("sed", "-n", pick).strip()] == [package for package in without if package.startswith("torch==")]
    assert "--require-hashes" in DOCKERFILE


def test_nothing_but_the_data_can_be_written():
    compose = yaml.safe_load((ROOT / "compose.yaml").read_text())
    for service in compose["services"].values():
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]
    pod = _kubernetes("Deployment")["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    assert pod["securityContext"]["runAsUser"] == int(instructions("USER")[0])
    assert container["securityContext"]["readOnlyRootFilesystem"] is True
    assert {mount["mountPath"] for mount in container["volumeMounts"]} == {"/data", "/tmp"}
    for variable in ("NSR_CACHE_DIR", "NSR_RUNS_DIR", "HOME"):
        assert re.search(rf"{variable}=/data", DOCKERFILE)


def test_a_visitor_stays_with_one_process_and_every_port_is_the_same():
    service, deployment = _kubernetes("Service")["spec"], _kubernetes("Deployment")["spec"]
    (container,) = deployment["template"]["spec"]["containers"]
    assert service["sessionAffinity"] == "ClientIP"
    assert service["ports"][0]["targetPort"] == container["ports"][0]["containerPort"] == PORT
    assert service["selector"] == deployment["selector"]["matchLabels"] == deployment["template"]["metadata"]["labels"]
    for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
        assert container[probe]["httpGet"] == {"path": "/_stcore/health", "port": PORT}
    proxy = (ROOT / "deploy" / "Caddyfile").read_text()
    assert f"dynamic a app {PORT}" in proxy
    assert "lb_policy cookie" in proxy


def test_a_space_finds_the_port_and_its_titles_are_not_too_long():
    _, front, _ = (ROOT / "deploy" / "space" / "README.md").read_text().split("---\n", 2)
    facts = yaml.safe_load(front)
    assert (facts["sdk"], facts["app_port"], facts["license"]) == ("docker", PORT, "mit")
    assert len(facts["short_description"]) <= 60


def test_the_page_on_hosting_names_variables_that_the_program_reads():
    named = set(re.findall(r"NSR_[A-Z_]+", (ROOT / "docs" / "hosting.md").read_text() + DOCKERFILE))
    code = "\n".join(path.read_text() for folder in ("nsr_core", "ui") for path in (ROOT / folder).rglob("*.py"))
    assert {name for name in named if name not in code} == set()


def _kubernetes(kind: str) -> dict:
    parts = yaml.safe_load_all((ROOT / "deploy" / "kubernetes.yaml").read_text())
    return next(part for part in parts if part["kind"] == kind)
