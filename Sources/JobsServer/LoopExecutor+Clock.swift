// SPDX-License-Identifier: Apache-2.0
import Supervisor

extension EventLoop: QueueClock {}
