// SPDX-License-Identifier: Apache-2.0
import Testing

/// Everything that touches the kernel. One at a time: the tests share the machine, and look for what others left behind.
@Suite(.serialized) enum IntegrationTests {}
