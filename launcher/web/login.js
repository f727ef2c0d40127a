// SPDX-License-Identifier: LGPL-2.1-or-later
const form = document.getElementById("login");
const problem = document.getElementById("problem");
const button = form.querySelector("button");

async function reasonOf(response) {
    try {
        return (await response.json()).detail || response.statusText;
    } catch {
        return response.statusText || `the server answered ${response.status}`;
    }
}

form.addEventListener("submit", async event => {
    event.preventDefault();
    problem.textContent = "";
    button.disabled = true;
    try {
        const response = await fetch("api/v1/login", {
            method: "POST",
            headers: { "Content-Type": "application/json", "X-Requested-With": "sluice" },
            body: JSON.stringify({ user: form.user.value, password: form.password.value }),
        });
        if (response.ok) {
            location.replace("./" + location.hash);
            return;
        }
        const reason = await reasonOf(response);
        problem.textContent = reason.charAt(0).toUpperCase() + reason.slice(1) + ".";
        form.password.select();
        form.password.focus();
    } catch {
        problem.textContent = "The server does not answer.";
    }
    button.disabled = false;
});
