// SPDX-License-Identifier: LGPL-2.1-or-later
// An element between an appsrc and an appsink, driven buffer by buffer.
#pragma once

#include "plugins/core/refs.hpp"
#include "plugins/core/result.hpp"

#include <optional>
#include <string>

namespace sluice::hw {

class ElementRun {
public:
    // caps: of what is pushed. Error: it does not start (unavailable).
    static Result<ElementRun> start(Ref<GstElement> element, const std::string& caps);
    ElementRun(ElementRun&&) = default;
    ElementRun& operator=(ElementRun&&) = delete;
    ~ElementRun();

    bool push(Ref<GstBuffer> buffer);       // false: it does not flow any more; error() says why
    Ref<GstBuffer> pull(GstClockTime wait); // null: nothing came
    void end();                             // what is inside comes out
    void request_key_unit();
    // What the pipeline has said went wrong.
    std::optional<std::string> error();
    GstElement* element() const { return element_.get(); }

private:
    ElementRun() = default;

    Ref<GstElement> pipeline_, element_, source_, sink_;
};

} // namespace sluice::hw
